//! `webhook-store`: a delivery is part of its task's entry, and changed by a swap of the
//! record that contains the entry.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryRecord, DueDelivery, Redelivery, WebhookDelivery,
};

use crate::documents::TaskDocument;
use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn webhook(
        &self,
        user_id: &str,
        task_id: &str,
    ) -> Result<Option<WebhookDelivery>, Fault> {
        let found = self.find(user_id, task_id).await?;
        Ok(found.and_then(|(task, entry)| Some(entry.delivery?.seen(&task))))
    }

    pub async fn redeliver(&self, user_id: &str, task_id: &str) -> Result<Redelivery, Fault> {
        let now = self.machine.now();
        let mut refused = Redelivery::None;
        let Some(document) = self.own_document(user_id, task_id).await? else {
            return Ok(refused);
        };
        let redeliver = |delivery: &mut DeliveryRecord| match delivery.redeliver(now) {
            Redelivery::Requested => Some(Redelivery::Requested),
            other => {
                refused = other;
                None
            }
        };
        let requested = self.change_delivery(&document, task_id, redeliver).await?;
        Ok(requested.unwrap_or(refused))
    }

    /// Begins an attempt. None: it is not due, another attempt is in progress, or there
    /// is no webhook.
    pub async fn begin_delivery(&self, task_id: &str) -> Result<Option<DueDelivery>, Fault> {
        let Some(document) = self.task_document(task_id).await? else {
            return Ok(None);
        };
        let found = self.find(&document.user_id, task_id).await?;
        let Some((task, entry)) = found else {
            return Ok(None);
        };
        let now = self.machine.now();
        // Most reads find nothing due, and need no swap.
        if !entry.is_due(&task, now) {
            return Ok(None);
        }
        let begin = |delivery: &mut DeliveryRecord| delivery.begin(&task, None, now);
        self.change_delivery(&document, task_id, begin).await
    }

    /// Records the outcome of an attempt.
    pub async fn record_attempt(
        &self,
        lease: &DeliveryLease,
        outcome: DeliveryOutcome,
    ) -> Result<Fenced, Fault> {
        let Some(document) = self.task_document(&lease.task_id).await? else {
            return Ok(Fenced::Lost);
        };
        let (now, jitter) = (self.machine.now(), self.machine.jitter());
        let record = |delivery: &mut DeliveryRecord| {
            let recorded = delivery.record(lease, outcome.clone(), jitter, now);
            (recorded == Fenced::Done).then_some(recorded)
        };
        let recorded = self.change_delivery(&document, &lease.task_id, record);
        Ok(recorded.await?.unwrap_or(Fenced::Lost))
    }

    /// Applies a rule to the delivery of a task. None: there is no delivery, or nothing
    /// changed.
    async fn change_delivery<T>(
        &self,
        task: &TaskDocument,
        task_id: &str,
        mut rule: impl FnMut(&mut DeliveryRecord) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        self.change_entry(&task.user_id, task.number, task_id, |entry| {
            rule(entry.delivery.as_mut()?)
        })
        .await
    }
}
