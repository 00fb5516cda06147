//! Publishes overdue tasks again when they are read, since a platform without
//! timers has no sweep.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use concept_refinement_domain::lease::{self, PENDING_OVERDUE};
use concept_refinement_domain::message;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::log;
use crate::ports::Ports;

/// How many tasks are remembered as published again. A task that does not fit
/// waits for its next reader.
const CAPACITY: usize = 1024;

/// Clones share what they remember.
#[derive(Clone)]
pub struct Republisher<P> {
    ports: P,
    /// What this instance published again, and when, so that those who poll an
    /// overdue task do not flood the queue.
    recent: Rc<RefCell<BTreeMap<String, Timestamp>>>,
}

impl<P: Ports + 'static> Republisher<P> {
    pub fn new(ports: P) -> Self {
        Self {
            ports,
            recent: Rc::default(),
        }
    }

    /// Publishes a task that was read, if it is overdue, without making its
    /// reader wait. If that fails, the next reader tries again.
    pub fn republish_if_overdue(&self, task: &Task, now: Timestamp) {
        if !lease::is_overdue(task, now) || !self.is_due(&task.id, now) {
            return;
        }
        let message = message::message_for(task);
        let publisher = self.ports.clone();
        self.ports.spawn(async move {
            if let Err(error) = publisher.publish(message).await {
                log::warn(format_args!(
                    "an overdue task could not be published again: {error}"
                ));
            }
        });
    }

    /// Whether this task was not published again recently. From now on it was.
    fn is_due(&self, task_id: &str, now: Timestamp) -> bool {
        let mut recent = self.recent.borrow_mut();
        if recent.len() >= CAPACITY {
            recent.retain(|_, at| now.since(*at) < PENDING_OVERDUE);
        }
        let is_due = match recent.get(task_id) {
            Some(at) => now.since(*at) >= PENDING_OVERDUE,
            None => recent.len() < CAPACITY,
        };
        if is_due {
            recent.insert(task_id.to_owned(), now);
        }
        is_due
    }
}
