//! How many tasks a user created in each calendar window.
//! The rules are those of the domain's `Usage`.

use concept_refinement_capability::clock::before;
use concept_refinement_domain::quota::{RETENTION, Window};
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;

/// Past windows removed per new count; more than one task adds, so that they do
/// not pile up.
const PRUNE_BATCH: u32 = 8;

pub(super) fn used(step: &Step<'_>, user_id: &str, window: Window) -> Result<u32, Fault> {
    let used = step
        .connection
        .prepare_cached(
            "SELECT used FROM usage WHERE user_id = ? AND window = ? AND starts_at = ?",
        )?
        .query_row(
            params![user_id, window.as_str(), Stored(window.start(step.now))],
            |row| row.get(0),
        )
        .optional()?;
    Ok(used.unwrap_or(0))
}

/// Counts one more task.
pub(super) fn count(step: &Step<'_>, user_id: &str) -> Result<(), Fault> {
    let mut statement = step.connection.prepare_cached(
        "INSERT INTO usage (user_id, window, starts_at, ends_at, used) VALUES (?, ?, ?, ?, 1) \
         ON CONFLICT DO UPDATE SET used = used + 1",
    )?;
    for window in Window::ALL {
        statement.execute(params![
            user_id,
            window.as_str(),
            Stored(window.start(step.now)),
            Stored(window.end(step.now)),
        ])?;
    }
    prune(step)
}

/// Takes back the count of a task that was created at `created_at`.
pub(super) fn give_back(
    step: &Step<'_>,
    user_id: &str,
    created_at: Timestamp,
) -> Result<(), Fault> {
    let mut statement = step.connection.prepare_cached(
        "UPDATE usage SET used = used - 1 \
         WHERE user_id = ? AND window = ? AND starts_at = ? AND used > 0",
    )?;
    for window in Window::ALL {
        statement.execute(params![
            user_id,
            window.as_str(),
            Stored(window.start(created_at))
        ])?;
    }
    Ok(())
}

fn prune(step: &Step<'_>) -> Result<(), Fault> {
    step.connection
        .prepare_cached(
            "DELETE FROM usage WHERE (user_id, window, starts_at) IN \
             (SELECT user_id, window, starts_at FROM usage WHERE ends_at <= ? LIMIT ?)",
        )?
        .execute(params![Stored(before(step.now, RETENTION)), PRUNE_BATCH])?;
    Ok(())
}
