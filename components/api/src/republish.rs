//! Publishing again what was read while overdue: a platform without timers has
//! nothing else that finds a lost message.

use std::cell::RefCell;
use std::collections::BTreeMap;

use concept_refinement_domain::lease::{self, PENDING_OVERDUE};
use concept_refinement_domain::message;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::log;
use crate::ports::Ports;

/// What this instance published again lately, so that those who poll an overdue
/// task do not flood the queue. More is not remembered than this; what does not
/// fit waits for its next reader.
const REMEMBERED: usize = 1024;

#[derive(Default)]
pub struct Republished {
    lately: RefCell<BTreeMap<String, Timestamp>>,
}

impl Republished {
    /// Publishes a task again that was read while overdue, without making its
    /// reader wait. If it fails, the next reader tries again.
    pub fn was_read<P: Ports + 'static>(&self, ports: &P, task: &Task, now: Timestamp) {
        if let Some(message) = self.message(task, now) {
            let publisher = ports.clone();
            ports.spawn(async move {
                if let Err(error) = publisher.publish(message).await {
                    log::warn(format_args!(
                        "an overdue task could not be published again: {error}"
                    ));
                }
            });
        }
    }

    /// The message to publish again for a task that was read, if any.
    pub fn message(&self, task: &Task, now: Timestamp) -> Option<Vec<u8>> {
        if !lease::is_overdue(task, now) {
            return None;
        }
        let mut lately = self.lately.borrow_mut();
        if lately.len() >= REMEMBERED {
            lately.retain(|_, at| now.since(*at) < PENDING_OVERDUE);
        }
        let is_new = match lately.get(&task.id) {
            Some(at) => now.since(*at) >= PENDING_OVERDUE,
            None => lately.len() < REMEMBERED,
        };
        is_new.then(|| {
            lately.insert(task.id.clone(), now);
            message::message_for(task)
        })
    }
}
