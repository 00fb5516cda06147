//! Publishes overdue tasks again when they are read, since a platform without
//! timers has no sweep.

use std::rc::Rc;

use concept_refinement_domain::lease::{PENDING_OVERDUE, due_again, is_overdue};
use concept_refinement_domain::message;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::log;
use crate::ports::Ports;
use crate::recent::Recent;

/// Clones share what they remember.
#[derive(Clone)]
pub struct Republisher<P> {
    ports: P,
    /// Whoever runs this instance sweeps, so that nothing is to be done here.
    is_swept: bool,
    /// What this instance published again, until it is due the next time, so that those
    /// who poll an overdue task do not flood the queue. A task that does not fit waits
    /// for its next reader.
    recent: Rc<Recent<()>>,
}

impl<P: Ports> Republisher<P> {
    pub fn new(ports: P, is_swept: bool) -> Self {
        Self {
            ports,
            is_swept,
            recent: Rc::default(),
        }
    }

    /// Publishes a task that was read, if it is overdue, without making its
    /// reader wait. If that fails, a reader tries again soon.
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
                log::warn(format_args!(
                    "an overdue task could not be published again: {error}"
                ));
            }
        });
    }
}
