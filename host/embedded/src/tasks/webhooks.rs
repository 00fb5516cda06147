//! Deliveries of webhooks, which are part of their tasks' rows.

use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryPermits, DeliveryRecord, DueDelivery};
use rusqlite::Connection;

use super::fault::{Fault, readable};
use super::rows;
use super::rows::{COLUMNS, maybe, read};
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::{all, one};

/// The ids of tasks whose deliveries are due, as many as there are permits for.
pub(super) fn due(
    connection: &Connection,
    mut permits: DeliveryPermits,
    now: Timestamp,
) -> Result<Vec<String>, Fault> {
    let mut due = Vec::new();
    for (comparison, time) in [("<=", now), (">", DeliveryRecord::beyond(now))] {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT receiver, user_id, id FROM task \
             WHERE delivery_due_at {comparison} ? AND completed_at IS NOT NULL \
             ORDER BY delivery_due_at, completed_at, receiver, id"
        ))?;
        let mut rows = statement.query([Stored(time)])?;
        // Stops reading when the permits are used up.
        while permits.free() > 0
            && let Some(row) = rows.next()?
        {
            // Borrowed, so that no text is copied for the many that get no permit.
            let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().unwrap_or_default());
            if permits.take(text(0)?, text(1)?) {
                due.push(text(2)?.to_owned());
            }
        }
    }
    Ok(due)
}

/// Begins the attempts that are still due.
pub(super) fn begin(tx: &Tx<'_>, task_ids: &[String]) -> Result<Vec<DueDelivery>, Fault> {
    let mut begun = Vec::with_capacity(task_ids.len());
    for id in task_ids {
        let Some(mut record) = readable(id, rows::find(tx, id))?.flatten() else {
            give_up(tx, id)?;
            continue;
        };
        let Some(delivery) = &mut record.delivery else {
            give_up(tx, id)?;
            continue;
        };
        if let Some(due) = delivery.begin(&record.task, record.trace, tx.now) {
            rows::update(tx, &record)?;
            begun.push(due);
        }
    }
    Ok(begun)
}

/// A delivery that cannot be read does not become due again, because others would
/// wait for it.
fn give_up(tx: &Tx<'_>, id: &str) -> Result<(), Fault> {
    let sql = "UPDATE task SET delivery_due_at = NULL WHERE id = ? AND delivery_due_at IS NOT NULL";
    if tx.run(sql, [id])? > 0 {
        tracing::error!(task = id, "a webhook cannot be read, and is not delivered");
    }
    Ok(())
}

pub(super) fn next(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT min(delivery_due_at) FROM task \
         WHERE delivery_due_at >= 0 AND completed_at IS NOT NULL";
    Ok(one(connection, sql, [], |row| maybe(row, 0))?)
}

/// Ends the leases of all attempts. Those that were not recorded are due at once.
pub(super) fn recover(tx: &Tx<'_>) -> Result<(), Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE delivery_due_at > 0 AND completed_at IS NOT NULL"
    );
    // Unreadable deliveries are dropped when they are due.
    let pending = all(tx.connection, &sql, [], |row| {
        readable("", read::<TaskRecord>(row))
    })?;
    for mut record in pending.into_iter().flatten() {
        let delivery = record.delivery.as_mut();
        if delivery.is_some_and(DeliveryRecord::recover) {
            rows::update(tx, &record)?;
        }
    }
    Ok(())
}
