//! Applies the rules of the domain: a task is read, changed in memory, and
//! written back if it is still as it was read; else all of it is done again.

use std::sync::Arc;

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::rulebook::{Decision, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;

use super::fault::Fault;
use super::{PostgresTasks, rows};
use crate::capability::tasks::hub::Update;

/// Applies a rule to a task. `gone` is answered where there is no such task.
pub(super) async fn change<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    change_with(store, id, gone, rule, |_| None).await
}

/// The same, with the concept that an answer wants to have stored in the same
/// step.
pub(super) async fn change_with<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
    concept: fn(&T) -> Option<&Concept>,
) -> Result<T, Fault> {
    let session = store.database.session().await?;
    loop {
        let Some(before) = rows::find(&session, id).await? else {
            return Ok(gone);
        };
        let mut record = before.clone();
        let Decision { answer, event } = rule(&mut record, store.clock.now());
        let Some(event) = event else {
            return Ok(answer);
        };
        match rows::swap(&session, &before, &record, concept(&answer)).await {
            Ok(true) => {}
            Ok(false) => continue,
            Err(fault) if fault.is_lost_race() => continue,
            Err(fault) => return Err(fault),
        }
        if event.is_announced() {
            store.announce(record);
        }
        return Ok(answer);
    }
}

impl PostgresTasks {
    /// Tells those who watch a task, here and elsewhere, how it is now.
    pub(super) fn announce(&self, record: TaskRecord) {
        let TaskRecord {
            task,
            attempt,
            revision,
            ..
        } = record;
        if task.status.is_final() {
            self.promises.release(&task.id);
        }
        let id = task.id.clone();
        self.changes.changed(&id, revision, task.status);
        let update = Update::Status(revision, attempt, Arc::new(task));
        self.hub.announce(&id, update);
    }

    /// The same of a task that was deleted.
    pub(super) fn announce_deletion(&self, id: &str) {
        self.promises.release(id);
        self.changes.deleted(id);
        self.hub.announce(id, Update::Deleted);
    }
}
