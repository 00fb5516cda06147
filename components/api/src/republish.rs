//! Publishes overdue tasks again when they are read or watched, since a platform without
//! timers has no sweep.

use std::rc::Rc;
use std::time::Duration;

use concept_refinement_domain::lease::{
    PENDING_OVERDUE, due_again, due_at, is_overdue, until_read,
};
use concept_refinement_domain::message;
use concept_refinement_domain::task::{Change, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::StreamExt as _;

use crate::log;
use crate::ports::{Changes, Ports};
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

/// A task that is watched.
pub struct Watched {
    user: String,
    pub task_id: String,
    changes: Changes,
    /// When it is due, as far as is known.
    due: Option<Timestamp>,
}

impl Watched {
    /// `changes`: those after this state of the task.
    pub fn new(task: &Task, changes: Changes) -> Self {
        Self {
            user: task.user_id.clone(),
            task_id: task.id.clone(),
            changes,
            due: due_at(task),
        }
    }
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

    /// The next change of a task, as its stream tells it. None: there is none within the limit.
    /// Meanwhile the task is read whenever it may be overdue.
    pub async fn next_change(
        &self,
        watched: &mut Watched,
        limit: Duration,
    ) -> Option<Option<Change>> {
        let mut left = limit;
        while !left.is_zero() {
            let now = self.ports.now();
            let wait = match self.is_swept {
                true => left,
                false => left.min(until_read(watched.due, now)),
            };
            let next = self.ports.timeout(wait, watched.changes.next()).await;
            if let Some(change) = next {
                if let Some(Change::Task(task)) = &change {
                    watched.due = due_at(task);
                }
                return Some(change);
            }
            if !self.is_swept {
                // Boxed, so that an idle stream needs less memory.
                Box::pin(self.look_at(watched)).await;
            }
            left = left.saturating_sub(self.ports.now().since(now).max(wait));
        }
        None
    }

    /// Reads a task of which nothing was heard, and publishes it if it is overdue. If that
    /// fails, the next silence is another chance.
    async fn look_at(&self, watched: &mut Watched) {
        let read = self.ports.task(&watched.user, &watched.task_id).await;
        if let Ok(Some(task)) = read {
            watched.due = due_at(&task);
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
