//! Applies operations: a task is read, changed in memory, and written back
//! if it has not changed meanwhile; otherwise everything is repeated. The task is read
//! only if this host has not seen it recently, or if the remembered state is outdated.

use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::rulebook::{Decision, Effects, Operation, TaskRecord};
use concept_refinement_domain::step::Step;
use concept_refinement_domain::task::Task;
use tokio::time::Instant;

use crate::PostgresTasks;
use crate::admin;
use crate::changes::message::Message;
use crate::connection::database::{DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::group_commit::Write;
use crate::queue::fetch::give_back;
use crate::tasks::account;
use crate::tasks::rows::{self, AccountChange, StoredTask, Swap};

/// None: there is no such task, or it is a claim, and the queue is paused. A claim whose
/// outcome stays unknown is given back.
pub(crate) async fn apply<T>(
    store: &PostgresTasks,
    operation: &Operation<T>,
) -> Result<Option<T>, Fault> {
    let mut noted = Vec::new();
    let applied = try_until_applied(store, operation, &mut noted).await;
    // Steps that were not stored wait for the next change. If the outcome is
    // unknown, they may have been stored, and must not be added twice.
    if applied.as_ref().err().is_none_or(Fault::is_answer) {
        store.hub.note_again(&operation.task_id, noted);
    }
    applied
}

/// `noted`: steps of the task that this host has noted and not stored.
async fn try_until_applied<T>(
    store: &PostgresTasks,
    operation: &Operation<T>,
    noted: &mut Vec<Step>,
) -> Result<Option<T>, Fault> {
    let deadline = Instant::now() + DEADLINE;
    let (id, is_claim) = (&operation.task_id, operation.is_claim);
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
            return Ok(None);
        };
        let Decision { answer, effects } = operation.decide(&mut task.record, store.clock.now());
        let Some(effects) = effects else {
            if is_fresh {
                return Ok(Some(answer));
            }
            continue;
        };
        noted.extend(store.hub.take_steps(id));
        store.tell_story(&mut task.record, noted);
        let account = match effects.refund {
            Some(_) => {
                let session = store.database.session_until(deadline).await?;
                account_change(store, &session, &task.record.task, &effects).await?
            }
            None => None,
        };
        let entry = store.entry(&task.record.task, &effects.bookings);
        let swap = Swap {
            account,
            entry,
            concept: effects.concept.clone(),
            is_claim,
            ..Swap::of(task.clone())
        };
        task.version += 1;
        let swap = Write::Swap(Box::new(swap));
        match store.commits.write(swap, deadline).await {
            Ok(true) => {}
            Ok(false) => {
                store.recent.forget(id);
                if is_claim && is_paused(store, deadline).await? {
                    return Ok(None);
                }
                continue;
            }
            Err(fault) if fault.is_lost_race() => continue,
            Err(fault) => {
                if is_claim && !fault.is_answer() {
                    give_back(store, task);
                }
                return Err(fault);
            }
        }
        noted.clear();
        store.tell(task, &effects);
        return Ok(Some(answer));
    }
}

async fn is_paused(store: &PostgresTasks, deadline: Instant) -> Result<bool, Fault> {
    let session = store.database.session_until(deadline).await?;
    admin::is_paused(&session).await
}

/// The change of the account of the task's user by a refund, if any.
pub(crate) async fn account_change(
    store: &PostgresTasks,
    session: &Session<'_>,
    task: &Task,
    effects: &Effects,
) -> Result<Option<AccountChange>, Fault> {
    let Some(refund) = effects.refund else {
        return Ok(None);
    };
    let forgets_key = effects.forgets_key;
    let pseudonym = store.options.pseudonyms.of(&task.user_id);
    let (mut usage, revision) = match account::usage(session, &pseudonym).await? {
        Some((usage, revision)) => (usage, Some(revision)),
        None => Default::default(),
    };
    let is_refunded = usage.refund(task.created_at, refund);
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
        record.tell(noted.iter().cloned(), &self.options.host);
    }

    /// Tells everybody who has to know of a change that is committed.
    pub(crate) fn tell(&self, task: StoredTask, effects: &Effects) {
        self.recent.put(&task);
        let id = &task.record.task.id;
        self.hub.count_spent(&effects.bookings);
        if effects.has_ended {
            self.promises.release(id);
        }
        if effects.has_delivery {
            self.hub.announce_delivery();
            // This host delivers the webhooks of tasks that it ends; any host makes an attempt
            // that was requested.
            if !effects.has_ended {
                self.changes.tell(Message::Redelivered);
            }
        }
        if effects.revokes_claim {
            self.hub.revoke(id);
        }
        if effects.is_announced {
            self.announce(task.record);
        }
    }

    /// Announces the task's current state to watchers on this and other hosts.
    pub(crate) fn announce(&self, record: TaskRecord) {
        let id = record.task.id.clone();
        self.changes.tell(Message::Changed {
            id: id.clone(),
            revision: record.revision,
            status: record.task.status,
        });
        self.hub.announce(&id, Update::of(record));
    }

    /// Announces that the task was deleted.
    pub(crate) fn announce_deletion(&self, id: &str) {
        self.promises.release(id);
        self.recent.forget(id);
        self.changes.tell(Message::Deleted { id: id.to_owned() });
        self.hub.announce(id, Update::Deleted);
    }
}
