//! `webhook-store`: a delivery is part of its task's entry, and changes by a swap
//! of whatever record the entry is in.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryRecord, DueDelivery, Redelivery, WebhookDelivery,
};

use crate::ledger::Outcome;
use crate::ledger::entries::Entry;
use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn webhook(
        &self,
        user_id: &str,
        task_id: &str,
    ) -> Result<Option<WebhookDelivery>, Fault> {
        let found = self.find_with_entry(user_id, task_id).await?;
        Ok(found.and_then(|(task, _, entry)| Some(entry.delivery?.seen(&task))))
    }

    pub async fn redeliver(&self, user_id: &str, task_id: &str) -> Result<Redelivery, Fault> {
        let now = self.machine.now();
        let Some(document) = self.task_document(task_id).await? else {
            return Ok(Redelivery::None);
        };
        if document.user_id != user_id {
            return Ok(Redelivery::None);
        }
        let requested = self
            .change_delivery(user_id, document.number, task_id, |delivery| match delivery
                .redeliver(now)
            {
                Redelivery::Requested => Outcome::Changed(Redelivery::Requested),
                refused => Outcome::Unchanged(refused),
            })
            .await?;
        Ok(requested.unwrap_or(Redelivery::None))
    }

    /// Begins an attempt. None: it is not due, somebody else makes it, or there is
    /// no webhook.
    pub async fn begin_delivery(&self, task_id: &str) -> Result<Option<DueDelivery>, Fault> {
        let Some(document) = self.task_document(task_id).await? else {
            return Ok(None);
        };
        let user_id = &document.user_id;
        let Some((task, _, entry)) = self.find_with_entry(user_id, task_id).await? else {
            return Ok(None);
        };
        let now = self.machine.now();
        // Most reads find nothing due, and swap nothing.
        let is_due = entry
            .delivery
            .is_some_and(|mut delivery| delivery.begin(&task, now).is_some());
        if !is_due {
            return Ok(None);
        }
        let begun = self
            .change_delivery(user_id, document.number, task_id, |delivery| match delivery
                .begin(&task, now)
            {
                Some(due) => Outcome::Changed(Some(due)),
                None => Outcome::Unchanged(None),
            })
            .await?;
        Ok(begun.flatten())
    }

    /// Records what came of an attempt.
    pub async fn record_attempt(
        &self,
        lease: &DeliveryLease,
        outcome: DeliveryOutcome,
    ) -> Result<Fenced, Fault> {
        let Some(document) = self.task_document(&lease.task_id).await? else {
            return Ok(Fenced::Lost);
        };
        let (now, jitter) = (self.machine.now(), self.machine.jitter());
        let (user_id, number) = (&document.user_id, document.number);
        let recorded = self
            .change_delivery(user_id, number, &lease.task_id, |delivery| {
                match delivery.record(lease, outcome.clone(), jitter, now) {
                    Fenced::Done => Outcome::Changed(Fenced::Done),
                    Fenced::Lost => Outcome::Unchanged(Fenced::Lost),
                }
            })
            .await?;
        Ok(recorded.unwrap_or(Fenced::Lost))
    }

    /// Applies a rule to the delivery of a task. None: there is none.
    async fn change_delivery<T>(
        &self,
        user_id: &str,
        number: usize,
        task_id: &str,
        rule: impl Fn(&mut DeliveryRecord) -> Outcome<T>,
    ) -> Result<Option<T>, Fault> {
        let apply = |entry: Option<&mut Entry>| {
            let entry = entry.filter(|entry| entry.task_id == task_id)?;
            Some(rule(entry.delivery.as_mut()?))
        };
        self.change_entry(
            user_id,
            number,
            |ledger, index| match apply(ledger.entry_mut(index)) {
                Some(Outcome::Changed(answer)) => Outcome::Changed(Some(answer)),
                Some(Outcome::Unchanged(answer)) => Outcome::Unchanged(Some(answer)),
                None => Outcome::Unchanged(None),
            },
            |entry| match apply(Some(entry))? {
                Outcome::Changed(answer) | Outcome::Unchanged(answer) => Some(answer),
            },
        )
        .await
    }
}
