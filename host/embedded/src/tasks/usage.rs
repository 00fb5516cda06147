//! How many tasks a user created in each calendar window.
//! The rules are those of the domain's `Usage`.

use concept_refinement_domain::quota::Usage;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::params;

use super::fault::Fault;
use super::stored::{Json, Stored};
use super::writer::Step;
use crate::sqlite::statements::{find, run};

/// Users removed per new count, of whom no count matters any longer; more than one task
/// adds, so that they do not pile up.
const PRUNE_BATCH: u32 = 8;

pub(super) fn of(step: &Step<'_>, user_id: &str) -> Result<Usage, Fault> {
    let sql = "SELECT usage FROM account WHERE user_id = ?";
    let usage = find(step.connection, sql, [user_id], |row| row.get(0))?;
    Ok(usage.map(|Json(usage)| usage).unwrap_or_default())
}

/// Counts one more task.
pub(super) fn count(step: &Step<'_>, user_id: &str) -> Result<(), Fault> {
    let mut usage = of(step, user_id)?;
    usage.add(step.now);
    run(
        step.connection,
        "INSERT OR REPLACE INTO account (user_id, usage, ends_at) VALUES (?, ?, ?)",
        params![user_id, Json(&usage), Stored(Usage::ends_at(step.now))],
    )?;
    run(
        step.connection,
        "DELETE FROM account WHERE user_id IN \
         (SELECT user_id FROM account WHERE ends_at <= ? LIMIT ?)",
        params![Stored(step.now), PRUNE_BATCH],
    )?;
    Ok(())
}

/// Takes back the count of a task that was created at `created_at`.
pub(super) fn give_back(
    step: &Step<'_>,
    user_id: &str,
    created_at: Timestamp,
) -> Result<(), Fault> {
    let mut usage = of(step, user_id)?;
    usage.give_back(created_at);
    let sql = "UPDATE account SET usage = ? WHERE user_id = ?";
    run(step.connection, sql, params![Json(&usage), user_id])?;
    Ok(())
}
