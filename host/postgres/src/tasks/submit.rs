//! Submitting a task.
//!
//! Everything about a single user is decided by a compare-and-swap on the user's account
//! row, so that users do not wait for each other.

use concept_refinement_domain::capability::{NewTask, Submission};
use concept_refinement_domain::quota::Usage;
use concept_refinement_domain::rulebook::{self, Creation, Decision};
use concept_refinement_domain::timestamp::Timestamp;
use tokio::time::Instant;

use crate::PostgresTasks;
use crate::connection::database::{DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::group_commit::Write;
use crate::connection::values::{Text, Time, parameters};
use crate::tasks::account::StoredAccount;
use crate::tasks::backlog::Look;
use crate::tasks::ledger::{self, Entry};
use crate::tasks::prune;
use crate::tasks::rows::{NewRow, StoredTask};

pub(crate) async fn submit(store: &PostgresTasks, new_task: NewTask) -> Result<Submission, Fault> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match try_submit(store, &new_task, deadline).await {
            Ok(Some(submission)) => return Ok(submission),
            Ok(None) => {}
            Err(fault) if fault.is_lost_race() => {}
            Err(fault) => return Err(fault),
        }
    }
}

/// None: the account has changed meanwhile, and nothing was written.
async fn try_submit(
    store: &PostgresTasks,
    new_task: &NewTask,
    deadline: Instant,
) -> Result<Option<Submission>, Fault> {
    let look = || store.backlog.look(store.options.max_backlog);
    let (database, user) = (&store.database, &new_task.user_id);
    // Refusals and repeats need no lock.
    let mut judged = {
        let session = database.session_of_until(user, deadline).await?;
        judge(store, &session, new_task, look() != Look::Skip).await?
    };
    let alone = match (&judged.decision.effects, look()) {
        (Some(_), Look::Exact) => {
            // One call of this host at a time, so that waiting calls do not occupy
            // connections.
            let permit = store.alone_with_backlog.take(user, deadline).await?;
            let session = database.session_of_until(user, deadline).await?;
            let begun = session.begin(Some(database.lock_key("backlog")));
            let again = judge(store, &session, new_task, true);
            judged = futures::try_join!(begun, again)?.1;
            Some((permit, session))
        }
        _ => None,
    };
    let Judged { revision, now, .. } = judged;
    let Decision { answer, effects } = judged.decision;
    let Some(mut creation) = effects else {
        if let Some((_, session)) = alone {
            session.roll_back().await?;
        }
        return Ok(Some(answer));
    };
    creation.record.steps.locate(&store.options.host);
    let record = creation.record.clone();
    let promise = store.promises.make(&record.task.id);
    let promise = promise.map_err(Fault::NoRoom)?;
    let insert = Insert {
        entry: store.entry(&record.task, &record.reserved()),
        creation,
        pseudonym: store.options.pseudonyms.of(user),
        revision,
    };
    let is_inserted = match alone {
        Some((_permit, session)) => {
            let is_inserted = insert.run(&session).await?;
            if is_inserted {
                session.commit().await?;
            }
            is_inserted
        }
        None => {
            let write = Write::Insert(Box::new(insert));
            store.commits.write(write, deadline).await?
        }
    };
    if !is_inserted {
        return Ok(None);
    }
    promise.keep();
    store.recent.put(&StoredTask::new(record));
    store.backlog.accepted();
    if store.backlog.is_time_to_prune()
        && let Err(fault) = prune(store, now, deadline).await
    {
        tracing::debug!(%fault, "what has expired stays for a while");
    }
    Ok(Some(answer))
}

/// The decision about a submission according to the user's stored state.
struct Judged {
    decision: Decision<Submission, Creation>,
    /// Version of the account when it was read.
    revision: i64,
    now: Timestamp,
}

/// `counts`: whether to count the pending tasks.
async fn judge(
    store: &PostgresTasks,
    session: &Session<'_>,
    new_task: &NewTask,
    counts: bool,
) -> Result<Judged, Fault> {
    let pseudonym = store.options.pseudonyms.of(&new_task.user_id);
    let now = store.clock.now();
    let mut account = StoredAccount::load(session, new_task, &pseudonym, counts, now).await?;
    if let Some(pending) = account.pending {
        store.backlog.set_count(pending);
    }
    account.max_backlog = store.options.max_backlog;
    Ok(Judged {
        decision: rulebook::submit(&account, new_task.clone(), now)?,
        revision: account.revision,
        now,
    })
}

async fn prune(store: &PostgresTasks, now: Timestamp, deadline: Instant) -> Result<(), Fault> {
    let session = store.database.session_until(deadline).await?;
    prune::expired(&session, now).await
}

/// A new task with everything that is written along with it.
pub(crate) struct Insert {
    creation: Creation,
    /// The key of the account.
    pseudonym: String,
    /// Version of the account when it was read.
    revision: i64,
    /// What the task reserves.
    entry: Option<Entry>,
}

impl Insert {
    pub fn user_id(&self) -> &str {
        &self.creation.record.task.user_id
    }

    pub fn task_id(&self) -> &str {
        &self.creation.record.task.id
    }

    /// Inserts the task if the account has not changed since it was read. False: it has,
    /// and nothing was written.
    pub async fn run(&self, session: &Session<'_>) -> Result<bool, Fault> {
        let Creation {
            record,
            usage,
            idempotency_key,
        } = &self.creation;
        let usage = serde_json::to_string(usage).unwrap_or_default();
        let ends_at = Time(Usage::ends_at(record.task.created_at));
        let key = idempotency_key.as_deref().map(Text::of);
        let fingerprint = key.is_some().then(|| self.creation.submitted().fingerprint);
        let row = NewRow::of(record)?;
        let mut parameters = Vec::from(row.parameters());
        parameters.extend(parameters! {
            self.pseudonym, usage, ends_at, self.revision, key, fingerprint
        });
        let entry = self.entry.as_ref();
        match &row.deadline {
            Some(deadline) => {
                parameters.extend(parameters![*deadline]);
                ledger::call(session, "submit_task_with_deadline", &parameters, entry).await
            }
            None => ledger::call(session, "submit_task", &parameters, entry).await,
        }
    }
}
