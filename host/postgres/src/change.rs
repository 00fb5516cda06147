//! Applies the rules of the domain: a task is read, changed in memory, and written back
//! if it has not changed meanwhile; otherwise everything is repeated. It is read only if
//! this host has not seen it recently, or if what it saw is outdated.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::rulebook::{Decision, Event, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;
use tokio::time::Instant;

use super::PostgresTasks;
use super::database::DEADLINE;
use super::fault::Fault;
use super::group_commit::Write;
use super::rows::{AccountChange, Swap};
use crate::{account, rows};

/// Applies a rule to a task. `gone` is the result if there is no such task.
pub(super) async fn change<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    change_with(store, id, gone, rule, |_| None).await
}

/// The same, with a concept that a result may want to have stored in the same step.
pub(super) async fn change_with<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
    concept: fn(&T) -> Option<&Concept>,
) -> Result<T, Fault> {
    let deadline = Instant::now() + DEADLINE;
    let mut seen = store.recent.get(id);
    loop {
        let is_fresh = seen.is_none();
        let before = match seen.take() {
            Some(before) => before,
            None => {
                let session = store.database.session_until(deadline).await?;
                match rows::find(&session, id).await? {
                    Some(before) => before,
                    None => return Ok(gone),
                }
            }
        };
        let mut record = before.clone();
        let Decision { answer, event } = rule(&mut record, store.clock.now());
        let Some(event) = event else {
            if is_fresh {
                return Ok(answer);
            }
            continue;
        };
        let swap = Swap {
            before,
            account: account_change(store, &record, event, deadline).await?,
            after: record.clone(),
            concept: concept(&answer).cloned(),
        };
        match store
            .commits
            .write(Write::Swap(Box::new(swap)), deadline)
            .await
        {
            Ok(true) => {}
            Ok(false) => {
                store.recent.forget(id);
                continue;
            }
            Err(fault) if fault.is_lost_race() => continue,
            Err(fault) => return Err(fault),
        }
        store.recent.put(&record);
        if event.revokes_claim() {
            store.hub.revoke(id);
        }
        if event.is_announced() {
            store.announce(record);
        }
        return Ok(answer);
    }
}

/// The change that the event makes to the account of the task's user, if any.
async fn account_change(
    store: &PostgresTasks,
    record: &TaskRecord,
    event: Event,
    deadline: Instant,
) -> Result<Option<AccountChange>, Fault> {
    let forgets_key = event.undoes_submission();
    let Some(refund) = record.refund(event) else {
        return Ok(None);
    };
    let session = store.database.session_until(deadline).await?;
    let pseudonym = store.options.pseudonyms.of(&record.task.user_id);
    let (mut usage, revision) = match account::usage(&session, &pseudonym).await? {
        Some((usage, revision)) => (usage, Some(revision)),
        None => Default::default(),
    };
    let is_refunded = usage.refund(record.task.created_at, refund);
    Ok((is_refunded || forgets_key).then_some(AccountChange {
        pseudonym,
        usage,
        revision,
        forgets_key,
    }))
}

impl PostgresTasks {
    /// Announces the task's current state to watchers on this and other hosts.
    pub(super) fn announce(&self, record: TaskRecord) {
        let task = &record.task;
        if task.status.is_final() {
            self.promises.release(&task.id);
            if record.delivery.is_some() {
                self.hub.announce_delivery();
            }
        }
        let id = task.id.clone();
        self.changes.changed(&id, record.revision, task.status);
        self.hub.announce(&id, Update::of(record));
    }

    /// Announces that the task was deleted.
    pub(super) fn announce_deletion(&self, id: &str) {
        self.promises.release(id);
        self.recent.forget(id);
        self.handovers.forget(id);
        self.changes.deleted(id);
        self.hub.announce(id, Update::Deleted);
    }
}
