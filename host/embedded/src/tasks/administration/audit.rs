//! The audit: who did what, and why.

use concept_refinement_capability::administration::AuditEntry;
use concept_refinement_capability::storage::Audit;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

use super::super::fault::{Fault, readable};
use super::super::rows::stored;
use super::super::stored::Stored;
use super::super::writer::Tx;

pub(in super::super) fn add(tx: &Tx<'_>, audit: Audit) -> Result<(), Fault> {
    let Audit {
        act,
        action,
        target,
        count,
    } = audit;
    let sql = "INSERT INTO audit_entry (at, actor, action, target, reason, count) \
         VALUES (?, ?, ?, ?, ?, ?)";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let parameters = params![Stored(tx.now), act.actor, action, target, act.reason, count];
    tx.execute(sql, parameters)
}

pub(super) fn list(
    connection: &Connection,
    limit: u32,
    before: Option<u64>,
) -> Result<Vec<AuditEntry>, Fault> {
    let sql = "SELECT number, at, actor, action, target, reason, count FROM audit_entry \
         WHERE number < ? ORDER BY number DESC";
    let before = before.and_then(|before| i64::try_from(before).ok());
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([before.unwrap_or(i64::MAX)])?;
    let mut entries = Vec::new();
    while entries.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        let number = row.get::<_, i64>(0)?.unsigned_abs();
        entries.extend(readable(number, read(row, number))?);
    }
    Ok(entries)
}

fn read(row: &Row<'_>, number: u64) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        number,
        at: stored(row, 1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        target: row.get(4)?,
        reason: row.get(5)?,
        count: row.get::<_, i64>(6)?.unsigned_abs(),
    })
}

pub(super) fn prune(tx: &Tx<'_>, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM audit_entry WHERE at < ?";
    tx.execute(sql, [Stored(before)])
}
