//! Deliveries of webhooks, which are part of their tasks' rows.

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DeliveryRecord, DueDelivery, Redelivery,
};
use rusqlite::{Connection, Rows, params};

use super::fault::{Fault, readable};
use super::rows;
use super::stored::{Json, Stored};
use super::writer::Step;
use crate::sqlite::statements::{all, one, run};

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
        take(statement.query([Stored(time)])?, &mut permits, &mut due)?;
    }
    Ok(due)
}

/// Stops reading when the permits are used up.
fn take(
    mut rows: Rows<'_>,
    permits: &mut DeliveryPermits,
    due: &mut Vec<String>,
) -> Result<(), Fault> {
    while permits.free() > 0
        && let Some(row) = rows.next()?
    {
        // Borrowed, so that no text is copied for the many that get no permit.
        let text = |column| Ok::<_, Fault>(row.get_ref(column)?.as_str().unwrap_or_default());
        if permits.take(text(0)?, text(1)?) {
            due.push(text(2)?.to_owned());
        }
    }
    Ok(())
}

/// Begins the attempts that are still due.
pub(super) fn begin(step: &Step<'_>, task_ids: &[String]) -> Result<Vec<DueDelivery>, Fault> {
    let mut begun = Vec::with_capacity(task_ids.len());
    for id in task_ids {
        let record = readable(id, rows::find(step, id))?.flatten();
        let Some((task, trace, mut delivery)) = record.and_then(|record| {
            let TaskRecord { task, trace, .. } = record;
            Some((task, trace, record.delivery?))
        }) else {
            give_up(step, id)?;
            continue;
        };
        if let Some(due) = delivery.begin(&task, trace, step.now) {
            save(step, id, &delivery)?;
            begun.push(due);
        }
    }
    Ok(begun)
}

/// A delivery that cannot be read does not become due again, because others would
/// wait for it.
fn give_up(step: &Step<'_>, id: &str) -> Result<(), Fault> {
    let sql = "UPDATE task SET delivery_due_at = NULL WHERE id = ? AND delivery_due_at IS NOT NULL";
    if run(step.connection, sql, [id])? > 0 {
        tracing::error!(task = id, "a webhook cannot be read, and is not delivered");
    }
    Ok(())
}

pub(super) fn record(
    step: &Step<'_>,
    lease: &DeliveryLease,
    outcome: DeliveryOutcome,
    jitter: f64,
) -> Result<Fenced, Fault> {
    let Some(mut record) = rows::find(step, &lease.task_id)? else {
        return Ok(Fenced::Lost);
    };
    let Some(delivery) = &mut record.delivery else {
        return Ok(Fenced::Lost);
    };
    let fenced = delivery.record(lease, outcome, jitter, step.now);
    if fenced == Fenced::Done {
        record.steps.push(delivery.step(record.attempt));
        record.steps.locate(step.host);
        save(step, &lease.task_id, delivery)?;
        let sql = "UPDATE task SET steps = ? WHERE id = ?";
        run(
            step.connection,
            sql,
            params![record.steps.to_text(), lease.task_id],
        )?;
    }
    Ok(fenced)
}

pub(super) fn redeliver(step: &mut Step<'_>, user_id: &str, id: &str) -> Result<Redelivery, Fault> {
    let found = find(step, id)?.filter(|(task, _)| task.user_id == user_id);
    let Some((_, mut delivery)) = found else {
        return Ok(Redelivery::None);
    };
    let redelivery = delivery.redeliver(step.now);
    if redelivery == Redelivery::Requested {
        save(step, id, &delivery)?;
        step.announce_delivery();
    }
    Ok(redelivery)
}

pub(super) fn next(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT min(delivery_due_at) FROM task \
         WHERE delivery_due_at >= 0 AND completed_at IS NOT NULL";
    let next: Option<Stored<_>> = one(connection, sql, [], |row| row.get(0))?;
    Ok(next.map(|Stored(next)| next))
}

/// Ends the leases of all attempts. Those that were not recorded are due at once.
pub(super) fn recover(step: &Step<'_>) -> Result<(), Fault> {
    let sql =
        "SELECT id, delivery FROM task WHERE delivery_due_at > 0 AND completed_at IS NOT NULL";
    let pending: Vec<(String, Option<DeliveryRecord>)> = all(step.connection, sql, [], |row| {
        let delivery = row.get_ref(1)?.as_str().ok().and_then(rows::delivery);
        Ok((row.get(0)?, delivery))
    })?;
    // Unreadable deliveries are dropped when they are due.
    for (id, delivery) in pending {
        if let Some(mut delivery) = delivery
            && delivery.recover()
        {
            save(step, &id, &delivery)?;
        }
    }
    Ok(())
}

fn find(step: &Step<'_>, id: &str) -> Result<Option<(Task, DeliveryRecord)>, Fault> {
    Ok(rows::find(step, id)?.and_then(|record| {
        let TaskRecord { task, delivery, .. } = record;
        Some((task, delivery?))
    }))
}

fn save(step: &Step<'_>, id: &str, delivery: &DeliveryRecord) -> Result<(), Fault> {
    let sql = "UPDATE task SET delivery = ?, delivery_due_at = ? WHERE id = ?";
    let parameters = params![Json(delivery), delivery.due_at().map(Stored), id];
    run(step.connection, sql, parameters)?;
    Ok(())
}
