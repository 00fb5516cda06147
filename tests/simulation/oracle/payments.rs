//! What a provider makes, and what is known of it.

use concept_refinement_domain::capability::{Fenced, Lease};
use concept_refinement_domain::payment::Payment;

use super::{Invariant, Oracle};
use crate::model::LINK;

impl Oracle {
    pub fn paid(&mut self, lease: &Lease, payment: &Payment, answer: Fenced) {
        let held = self.held(lease);
        let is_held = held.is_some();
        if let Some(task) = held {
            task.calls = payment.calls;
            task.is_named |= payment.receipt(LINK).is_some();
        }
        self.fence("a payment", lease, is_held, answer == Fenced::Done);
    }

    /// A provider begins to work on a task. Who was held up for so long that another one
    /// goes on cannot know of its receipt.
    pub fn made(&mut self, lease: &Lease) {
        let id = &lease.task_id;
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        task.made += 1;
        let (made, calls) = (task.made, task.calls);
        let is_named = task.is_named && task.attempt == lease.attempt;
        self.require(made <= calls && !is_named, Invariant::PaidOnce, || {
            format!("{id} is made {made} times, {calls} are noted, named: {is_named}")
        });
    }
}
