//! What users spend, by the hour in which a task was submitted and by the link of the model.

use concept_refinement_capability::administration::{MAX_SUMS, UsageGroup, UsageQuery, UsageSum};
use concept_refinement_capability::clock::before;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::spending::{Booking, LEDGER_RETENTION, Spending};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::{all, one};

/// Books what a new task reserves, and removes what is outdated.
pub(super) fn reserve(tx: &mut Tx<'_>, record: &TaskRecord) -> Result<(), Fault> {
    let bookings = record.reserved();
    if bookings.is_empty() {
        return Ok(());
    }
    book(tx, &record.task, &bookings)?;
    let outdated = "DELETE FROM ledger WHERE (pseudonym, starts_at, model) IN \
         (SELECT pseudonym, starts_at, model FROM ledger WHERE starts_at < ? LIMIT ?)";
    tx.prune(outdated, before(tx.now, LEDGER_RETENTION))
}

/// Replaces the reservation of a task that was deleted before its end.
pub(super) fn settle(tx: &mut Tx<'_>, record: &TaskRecord) -> Result<(), Fault> {
    book(tx, &record.task, &record.settlement())
}

/// Changes the sums of a task's user.
pub(super) fn book(tx: &mut Tx<'_>, task: &Task, bookings: &[Booking]) -> Result<(), Fault> {
    if bookings.is_empty() {
        return Ok(());
    }
    tx.effects.bookings.extend_from_slice(bookings);
    let pseudonym = tx.options.pseudonyms.of(&task.user_id);
    let starts_at = Stored(Window::Hour.start(task.created_at));
    for Booking { model, change } in bookings {
        tx.execute(
            "INSERT INTO ledger \
             (pseudonym, starts_at, model, user_id, spent, reserved, unknown_calls) \
             VALUES (?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (pseudonym, starts_at, model) DO UPDATE SET user_id = excluded.user_id, \
             spent = spent + excluded.spent, reserved = reserved + excluded.reserved, \
             unknown_calls = unknown_calls + excluded.unknown_calls",
            params![
                pseudonym,
                starts_at,
                model,
                task.user_id,
                change.spent,
                change.reserved,
                change.unknown_calls
            ],
        )?;
    }
    Ok(())
}

/// The sums of the window that contains `now`.
pub(super) fn within(
    connection: &Connection,
    pseudonym: &str,
    window: Window,
    now: Timestamp,
) -> Result<Spending, Fault> {
    let sql = "SELECT coalesce(sum(spent), 0), coalesce(sum(reserved), 0), \
         coalesce(sum(unknown_calls), 0) FROM ledger \
         WHERE pseudonym = ? AND starts_at >= ? AND starts_at < ?";
    let place = params![
        pseudonym,
        Stored(window.start(now)),
        Stored(window.end(now))
    ];
    Ok(one(connection, sql, place, |row| read(row, 0))?)
}

/// Sums of all users.
pub(super) fn sums(connection: &Connection, query: UsageQuery) -> Result<Vec<UsageSum>, Fault> {
    let name = match query.group {
        UsageGroup::User => "coalesce(user_id, pseudonym)",
        UsageGroup::Model => "model",
        UsageGroup::Day => "date(starts_at / 1000000, 'unixepoch')",
    };
    let sql = format!(
        "SELECT {name} AS name, sum(spent), sum(reserved), sum(unknown_calls) FROM ledger \
         WHERE starts_at >= ? AND starts_at < ? GROUP BY name ORDER BY name LIMIT ?"
    );
    let since = query.since.map(|since| Window::Hour.start(since));
    let place = params![
        since.map_or(0, |since| since.0.cast_signed()),
        query
            .until
            .map_or(i64::MAX, |until| i64::try_from(until.0).unwrap_or(i64::MAX)),
        MAX_SUMS + 1,
    ];
    Ok(all(connection, &sql, place, |row| {
        Ok(UsageSum {
            name: row.get(0)?,
            spending: read(row, 1)?,
        })
    })?)
}

/// Reads the three sums from this column on.
fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Spending> {
    Ok(Spending {
        spent: row.get(first)?,
        reserved: row.get(first + 1)?,
        unknown_calls: row.get(first + 2)?,
    })
}

/// Forgets whose sums these are: they stay under the pseudonym.
pub(super) fn forget_user(tx: &Tx<'_>, user_id: &str) -> Result<(), Fault> {
    let pseudonym = tx.options.pseudonyms.of(user_id);
    let sql = "UPDATE ledger SET user_id = NULL WHERE pseudonym = ? AND user_id IS NOT NULL";
    tx.execute(sql, [pseudonym])
}
