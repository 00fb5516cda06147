//! Deliveries of webhooks.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DeliveryRecord, DueDelivery, Redelivery,
    WebhookDelivery,
};

use super::{MemoryStore, Row};

impl MemoryStore {
    pub fn webhook(&self, user_id: &str, task_id: &str) -> Option<WebhookDelivery> {
        let record = &self.tasks.get(task_id)?.record;
        let is_theirs = record.task.user_id == user_id;
        let delivery = record.delivery.as_ref().filter(|_| is_theirs)?;
        Some(delivery.seen(&record.task))
    }

    pub fn redeliver(&mut self, user_id: &str, task_id: &str, now: Timestamp) -> Redelivery {
        let row = self.tasks.get_mut(task_id);
        let row = row.filter(|row| row.record.task.user_id == user_id);
        match row.and_then(|row| row.record.delivery.as_mut()) {
            Some(delivery) => delivery.redeliver(now),
            None => Redelivery::None,
        }
    }

    /// Those first that have waited longest.
    pub fn claim_deliveries(
        &mut self,
        mut permits: DeliveryPermits,
        now: Timestamp,
    ) -> Vec<DueDelivery> {
        let mut due: Vec<_> = self.tasks.values_mut().filter_map(due_of).collect();
        due.sort_by_key(|(due_at, row)| {
            let task = &row.record.task;
            let receiver = row.record.delivery.as_ref().map(DeliveryRecord::receiver);
            (*due_at, task.completed_at, receiver, task.id.clone())
        });
        let mut begun = Vec::new();
        for (_, row) in due {
            let (task, trace) = (&row.record.task, row.record.trace);
            let Some(delivery) = &mut row.record.delivery else {
                continue;
            };
            let receiver = delivery.receiver();
            if permits.has_room_for(&receiver, &task.user_id)
                && let Some(due) = delivery.begin(task, trace, now)
            {
                permits.take(&receiver, &task.user_id);
                begun.push(due);
            }
        }
        begun
    }

    pub fn record_attempt(
        &mut self,
        lease: &DeliveryLease,
        outcome: DeliveryOutcome,
        jitter: f64,
        now: Timestamp,
    ) -> Fenced {
        let row = self.tasks.get_mut(&lease.task_id);
        match row.and_then(|row| row.record.delivery.as_mut()) {
            Some(delivery) => delivery.record(lease, outcome, jitter, now),
            None => Fenced::Lost,
        }
    }

    pub fn next_delivery(&self) -> Option<Timestamp> {
        let records = self.tasks.values().map(|row| &row.record);
        let ended = records.filter(|record| record.task.status.is_final());
        let due = ended.filter_map(|record| record.delivery.as_ref()?.due_at());
        due.min()
    }
}

/// With the time from which on it is due.
fn due_of(row: &mut Row) -> Option<(Timestamp, &mut Row)> {
    let due_at = row.record.delivery.as_ref()?.due_at()?;
    Some((due_at, row))
}
