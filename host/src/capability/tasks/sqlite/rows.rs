//! A task as a row: read whole, changed in memory by the rules of the domain,
//! and written back whole within the same step.

use std::sync::Arc;

use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::rulebook::{Decision, Event, TaskRecord};
use concept_refinement_domain::task::{Refinement, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{OptionalExtension, Params, Row, named_params};

use super::fault::Fault;
use super::watch::Update;
use super::writer::Step;
use super::{concepts, keys, usage};

/// What [`read`] reads.
pub(super) const COLUMNS: &str = "id, user_id, is_anonymous, status, original_image_url, \
     refinement_prompt, logo_description, theme_description, original_path, created_at, \
     updated_at, completed_at, result_id, image_path, error_message, lease_until, attempt, \
     deaths, checkpoint, revision";

/// Applies a rule to a task, and saves what it changed with all that goes with
/// it. `gone` is answered where there is no such task.
pub(super) fn change<T>(
    step: &mut Step<'_>,
    id: &str,
    gone: T,
    rule: impl FnOnce(&mut TaskRecord, Timestamp) -> Decision<T>,
) -> Result<T, Fault> {
    try_change(step, id, gone, |record, step| Ok(rule(record, step.now)))
}

/// The same for a rule that asks for more of the store.
pub(super) fn try_change<T>(
    step: &mut Step<'_>,
    id: &str,
    gone: T,
    rule: impl FnOnce(&mut TaskRecord, &Step<'_>) -> Result<Decision<T>, Fault>,
) -> Result<T, Fault> {
    let Some(mut record) = find(step, id)? else {
        return Ok(gone);
    };
    let Decision { answer, event } = rule(&mut record, step)?;
    if let Some(event) = event {
        save(step, &record, event)?;
    }
    Ok(answer)
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    Ok(TaskRecord {
        task: Task {
            id: row.get("id")?,
            user_id: row.get("user_id")?,
            is_anonymous: row.get("is_anonymous")?,
            status: row.get::<_, Stored<Status>>("status")?.0,
            refinement: Refinement {
                original_image_url: row.get("original_image_url")?,
                refinement_prompt: row.get("refinement_prompt")?,
                logo_description: row.get("logo_description")?,
                theme_description: row.get("theme_description")?,
            },
            original_path: row.get("original_path")?,
            created_at: row.get::<_, Stored<_>>("created_at")?.0,
            updated_at: timestamp(row, "updated_at")?,
            completed_at: timestamp(row, "completed_at")?,
            result_id: row.get("result_id")?,
            image_path: row.get("image_path")?,
            error_message: row.get("error_message")?,
            lease_until: timestamp(row, "lease_until")?,
        },
        attempt: row.get("attempt")?,
        deaths: row.get("deaths")?,
        checkpoint: row.get("checkpoint")?,
        revision: row.get::<_, i64>("revision")?.unsigned_abs(),
    })
}

pub(super) fn find(step: &Step<'_>, id: &str) -> Result<Option<TaskRecord>, Fault> {
    one(step, "id = ?", [id])
}

pub(super) fn exists(step: &Step<'_>, id: &str) -> Result<bool, Fault> {
    Ok(step
        .connection
        .prepare_cached("SELECT 1 FROM task WHERE id = ?")?
        .exists([id])?)
}

/// The user's task that is pending or processing.
pub(super) fn active(step: &Step<'_>, user_id: &str) -> Result<Option<TaskRecord>, Fault> {
    one(
        step,
        "user_id = ? AND status IN ('pending', 'processing')",
        [user_id],
    )
}

fn one(
    step: &Step<'_>,
    condition: &'static str,
    parameters: impl Params,
) -> Result<Option<TaskRecord>, Fault> {
    let mut statement = step
        .connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM task WHERE {condition}"))?;
    Ok(statement.query_row(parameters, read).optional()?)
}

pub(super) fn insert(step: &Step<'_>, task: &Task) -> Result<(), Fault> {
    let mut statement = step.connection.prepare_cached(
        "INSERT INTO task (id, user_id, is_anonymous, status, original_image_url, \
         refinement_prompt, logo_description, theme_description, original_path, created_at, \
         due_at) VALUES (:id, :user_id, :is_anonymous, :status, :url, :prompt, :logo, :theme, \
         :original_path, :created_at, :due_at)",
    )?;
    statement.execute(named_params! {
        ":id": task.id,
        ":user_id": task.user_id,
        ":is_anonymous": task.is_anonymous,
        ":status": task.status.as_str(),
        ":url": task.refinement.original_image_url,
        ":prompt": task.refinement.refinement_prompt,
        ":logo": task.refinement.logo_description,
        ":theme": task.refinement.theme_description,
        ":original_path": task.original_path,
        ":created_at": Stored(task.created_at),
        ":due_at": due_at(task).map(Stored),
    })?;
    Ok(())
}

/// Writes a row back, and does what else the event asks for.
fn save(step: &mut Step<'_>, record: &TaskRecord, event: Event) -> Result<(), Fault> {
    let task = &record.task;
    let mut statement = step.connection.prepare_cached(
        "UPDATE task SET status = :status, updated_at = :updated_at, \
         completed_at = :completed_at, result_id = :result_id, image_path = :image_path, \
         error_message = :error_message, lease_until = :lease_until, attempt = :attempt, \
         deaths = :deaths, checkpoint = :checkpoint, revision = :revision, due_at = :due_at \
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": task.id,
        ":status": task.status.as_str(),
        ":updated_at": task.updated_at.map(Stored),
        ":completed_at": task.completed_at.map(Stored),
        ":result_id": task.result_id,
        ":image_path": task.image_path,
        ":error_message": task.error_message,
        ":lease_until": task.lease_until.map(Stored),
        ":attempt": record.attempt,
        ":deaths": record.deaths,
        ":checkpoint": record.checkpoint,
        ":revision": i64::try_from(record.revision).unwrap_or(i64::MAX),
        ":due_at": due_at(task).map(Stored),
    })?;
    drop(statement);
    if event.drops_concept() {
        concepts::drop_prepared(step, &task.id)?;
    }
    if event.undoes_submission() {
        usage::give_back(step, &task.user_id, task.created_at)?;
        keys::forget(step, &task.id)?;
    }
    if event.is_announced() {
        let update = Update::Status(record.revision, record.attempt, Arc::new(task.clone()));
        step.announce(&task.id, update);
    }
    Ok(())
}

/// A domain value as a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<T>(pub(super) T);

impl ToSql for Stored<Timestamp> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let micros = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        Ok(ToSqlOutput::Owned(Value::Integer(micros)))
    }
}

impl FromSql for Stored<Timestamp> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let micros = value.as_i64()?;
        u64::try_from(micros)
            .map(|micros| Self(Timestamp(micros)))
            .map_err(|_| FromSqlError::OutOfRange(micros))
    }
}

impl FromSql for Stored<Status> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let status = value
            .as_str()?
            .parse()
            .map_err(|()| FromSqlError::InvalidType)?;
        Ok(Self(status))
    }
}

pub(super) fn timestamp(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let stored: Option<Stored<Timestamp>> = row.get(column)?;
    Ok(stored.map(|Stored(timestamp)| timestamp))
}
