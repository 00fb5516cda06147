//! Publishes overdue tasks again when they are read, since a platform without timers has
//! no sweep.

use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::lease::{PENDING_OVERDUE, due_again, is_overdue};
use concept_refinement_domain::message;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::log;
use crate::ports::Ports;
use crate::recent::Recent;
use crate::warnings::Warnings;

/// Minimum interval of warnings per instance.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Clones share their state.
#[derive(Clone)]
pub struct Republisher<P> {
    ports: P,
    /// The host has a sweep, so there is nothing to do here.
    is_swept: bool,
    /// Tasks that this instance has published again, until they are next due, so that
    /// clients which poll an overdue task do not flood the queue. If there are too many
    /// of them, a task waits for its next reader.
    recent: Rc<Recent<()>>,
    failures: Rc<Warnings>,
}

impl<P: Ports> Republisher<P> {
    pub fn new(ports: P, is_swept: bool) -> Self {
        Self {
            ports,
            is_swept,
            recent: Rc::default(),
            failures: Rc::new(Warnings::every(WARNING_INTERVAL)),
        }
    }

    /// Reads a task of which nothing was heard, and publishes it if it is overdue. If that
    /// fails, the next silence is another chance.
    pub async fn look_at(&self, user: &str, id: &str) {
        if let Ok(Some(task)) = self.ports.task(user, id).await {
            self.republish_if_overdue(&task, self.ports.now());
        }
    }

    /// Publishes a task that was read, if it is overdue, without making its reader wait.
    /// If that fails, a reader soon tries again.
    pub fn republish_if_overdue(&self, task: &Task, now: Timestamp) {
        if self.is_swept
            || !is_overdue(task, now)
            || self.recent.get(&task.id, now).is_some()
            || !self.recent.put(&task.id, (), now, due_again(task, now))
        {
            return;
        }
        let message = message::message_for(task);
        let (publisher, task_id) = (self.clone(), task.id.clone());
        self.ports.spawn(async move {
            if let Err(error) = publisher.ports.publish(message).await {
                let soon = now.plus(PENDING_OVERDUE);
                publisher.recent.put(&task_id, (), now, soon);
                if let Some(times) = publisher.failures.count(now) {
                    log::warn(format_args!(
                        "overdue tasks could not be published again ({times} times): {error}"
                    ));
                }
            }
        });
    }
}
