//! Records a worker's calls of paid models.

use crate::capability::{Fenced, Lease};
use crate::payment::Payment;

use super::{Decision, Event, TaskRecord};

/// A repeat is harmless. Watchers of the task are not notified.
pub fn pay(record: &mut TaskRecord, held: &Lease, payment: &Payment) -> Decision<Fenced> {
    if !record.is_held_by(held) {
        return Decision::unchanged(Fenced::Lost);
    }
    if record.payment == *payment {
        return Decision::unchanged(Fenced::Done);
    }
    record.payment = payment.clone();
    Decision::changed(record, Event::Pay, Fenced::Done)
}
