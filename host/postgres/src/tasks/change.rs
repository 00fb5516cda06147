//! Applies the rules of the domain: a task is read, changed in memory, and written back
//! if it has not changed meanwhile; otherwise everything is repeated. The task is read
//! only if this host has not seen it recently, or if the remembered state is outdated.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::rulebook::{Decision, Event, TaskRecord};
use concept_refinement_domain::step::Step;
use concept_refinement_domain::timestamp::Timestamp;
use tokio::time::Instant;

use crate::PostgresTasks;
use crate::admin;
use crate::connection::database::{DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::group_commit::Write;
use crate::queue::fetch::give_back;
use crate::tasks::account;
use crate::tasks::rows::{self, AccountChange, Swap};

/// Applies a rule to a task. `gone` is the result if there is no such task.
pub(crate) async fn change<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    Change::of(store, id, rule).make(gone).await
}

/// The same for a claim. `gone` is the result while the queue is paused, too. A claim whose
/// outcome stays unknown is given back.
pub(crate) async fn claim<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    let change = Change {
        is_claim: true,
        ..Change::of(store, id, rule)
    };
    change.make(gone).await
}

/// The same, with a concept that a result may want to have stored in the same step.
pub(crate) async fn change_with<T>(
    store: &PostgresTasks,
    id: &str,
    gone: T,
    rule: impl Fn(&mut TaskRecord, Timestamp) -> Decision<T>,
    concept: fn(&T) -> Option<&Concept>,
) -> Result<T, Fault> {
    let change = Change {
        concept,
        ..Change::of(store, id, rule)
    };
    change.make(gone).await
}

struct Change<'a, T, R> {
    store: &'a PostgresTasks,
    id: &'a str,
    rule: R,
    concept: fn(&T) -> Option<&Concept>,
    is_claim: bool,
}

impl<'a, T, R: Fn(&mut TaskRecord, Timestamp) -> Decision<T>> Change<'a, T, R> {
    fn of(store: &'a PostgresTasks, id: &'a str, rule: R) -> Self {
        Self {
            store,
            id,
            rule,
            concept: |_| None,
            is_claim: false,
        }
    }

    async fn make(&self, gone: T) -> Result<T, Fault> {
        let mut noted = Vec::new();
        let made = self.try_until_made(gone, &mut noted).await;
        // Steps that were not stored wait for the next change. If the outcome is
        // unknown, they may have been stored, and must not be added twice.
        if made.as_ref().err().is_none_or(Fault::is_answer) {
            self.store.note_again(self.id, noted);
        }
        made
    }

    /// `noted`: steps of the task that this host has noted and not stored.
    async fn try_until_made(&self, gone: T, noted: &mut Vec<Step>) -> Result<T, Fault> {
        let Self { store, id, .. } = *self;
        let deadline = Instant::now() + DEADLINE;
        let mut seen = store.recent.get(id);
        loop {
            let is_fresh = seen.is_none();
            let found = match seen.take() {
                Some(seen) => Some(seen),
                None => {
                    let session = store.database.session_until(deadline).await?;
                    rows::find(&session, id).await?
                }
            };
            let Some(mut task) = found else {
                return Ok(gone);
            };
            let record = &mut task.record;
            let Decision { answer, event } = (self.rule)(record, store.clock.now());
            let Some(event) = event else {
                if is_fresh {
                    return Ok(answer);
                }
                continue;
            };
            noted.extend(store.hub.take_steps(id));
            store.tell_story(record, noted);
            let account = match record.refund(event) {
                Some(_) => {
                    let session = store.database.session_until(deadline).await?;
                    account_change(store, &session, record, event).await?
                }
                None => None,
            };
            let swap = Swap {
                account,
                concept: (self.concept)(&answer).cloned(),
                is_claim: self.is_claim,
                ..Swap::of(task.clone())
            };
            task.version += 1;
            let swap = Write::Swap(Box::new(swap));
            match store.commits.write(swap, deadline).await {
                Ok(true) => {}
                Ok(false) => {
                    store.recent.forget(id);
                    if self.is_claim && is_paused(store, deadline).await? {
                        return Ok(gone);
                    }
                    continue;
                }
                Err(fault) if fault.is_lost_race() => continue,
                Err(fault) => {
                    if self.is_claim && !fault.is_answer() {
                        give_back(store, task);
                    }
                    return Err(fault);
                }
            }
            noted.clear();
            store.recent.put(&task);
            if event.revokes_claim() {
                store.hub.revoke(id);
            }
            if event.is_announced() {
                store.announce(task.record);
            }
            return Ok(answer);
        }
    }
}

async fn is_paused(store: &PostgresTasks, deadline: Instant) -> Result<bool, Fault> {
    let session = store.database.session_until(deadline).await?;
    admin::is_paused(&session).await
}

/// The change that the event makes to the account of the task's user, if any.
pub(crate) async fn account_change(
    store: &PostgresTasks,
    session: &Session<'_>,
    record: &TaskRecord,
    event: Event,
) -> Result<Option<AccountChange>, Fault> {
    let forgets_key = event.undoes_submission();
    let Some(refund) = record.refund(event) else {
        return Ok(None);
    };
    let pseudonym = store.options.pseudonyms.of(&record.task.user_id);
    let (mut usage, revision) = match account::usage(session, &pseudonym).await? {
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
    /// Adds to the story of a task the steps that this host has noted, and the name of
    /// the host to the steps about to be stored.
    pub(crate) fn tell_story(&self, record: &mut TaskRecord, noted: &[Step]) {
        for step in noted {
            record.steps.push(step.clone());
        }
        record.steps.locate(&self.options.host);
    }

    /// Notes steps again that were not stored.
    pub(crate) fn note_again(&self, id: &str, noted: Vec<Step>) {
        for step in noted {
            self.hub.add_step(id, step);
        }
    }

    /// Announces the task's current state to watchers on this and other hosts.
    pub(crate) fn announce(&self, record: TaskRecord) {
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
    pub(crate) fn announce_deletion(&self, id: &str) {
        self.promises.release(id);
        self.recent.forget(id);
        self.changes.deleted(id);
        self.hub.announce(id, Update::Deleted);
    }
}
