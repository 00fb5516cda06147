//! Creating a task, and taking one back that could not be published.

use concept_refinement_domain::capability::{Accepted, Fenced, NewTask, Submission};
use concept_refinement_domain::task::Event;

use super::fault::Fault;
use super::keys::{self, Earlier};
use super::writer::Step;
use super::{concepts, rows, usage};

/// How long to wait, in seconds, while too many tasks are pending.
const BACKLOG_RETRY_AFTER: u32 = 10;

/// Judges in the order of the contract.
pub(super) fn submit(
    step: &mut Step<'_>,
    new_task: NewTask,
    max_backlog: u32,
) -> Result<Submission, Fault> {
    let user_id = new_task.user_id.clone();
    let quota = new_task.quota;
    let key = new_task.idempotency_key.clone();
    let accepted = |step: &Step<'_>, task| {
        let quota = usage::state(step, &user_id, quota)?;
        Ok::<_, Fault>(Accepted { task, quota })
    };

    if let Some(key) = &key
        && let Some(earlier) = keys::find(step, &new_task, key)?
    {
        return Ok(match earlier {
            Earlier::Different => Submission::KeyReused,
            Earlier::Same(task) => Submission::Replayed(accepted(step, *task)?),
        });
    }
    if !new_task.original_found {
        return Ok(Submission::OriginalMissing);
    }
    if let Some(active) = rows::active(step, &user_id)? {
        return Ok(Submission::Active(accepted(step, active.task)?));
    }
    if let Some(state) = usage::state(step, &user_id, quota)?
        && state.remaining == 0
    {
        return Ok(Submission::QuotaExceeded(state));
    }
    if backlog(step)? >= max_backlog {
        return Ok(Submission::BacklogFull(BACKLOG_RETRY_AFTER));
    }
    if rows::find(step, &new_task.id)?.is_some() {
        return Err(Fault::Invalid("There is a task of this id already."));
    }

    let task = new_task.created(step.now);
    rows::insert(step, &task)?;
    usage::count(step, &user_id)?;
    if let Some(key) = &key {
        keys::remember(step, &task, key)?;
    }
    Ok(Submission::Created(accepted(step, task)?))
}

pub(super) fn withdraw(
    step: &mut Step<'_>,
    id: &str,
    error_message: String,
) -> Result<Fenced, Fault> {
    let Some(mut row) = rows::find(step, id)? else {
        return Ok(Fenced::Lost);
    };
    if !row.happen(Event::Withdraw, step.now) {
        return Ok(Fenced::Lost);
    }
    row.task.error_message = Some(error_message);
    rows::save(step, &row, true)?;
    concepts::drop_prepared(step, id)?;
    usage::give_back(step, &row.task.user_id, row.task.created_at)?;
    keys::forget(step, id)?;
    Ok(Fenced::Done)
}

fn backlog(step: &Step<'_>) -> Result<u32, Fault> {
    Ok(step
        .connection
        .prepare_cached("SELECT pending FROM backlog")?
        .query_row([], |row| row.get(0))?)
}
