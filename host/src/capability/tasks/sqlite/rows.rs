//! A task as a row, read and written whole.

use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::{Refinement, Status, Task};
use rusqlite::{OptionalExtension, Params, Row, named_params};

use super::fault::Fault;
use super::stored::{Stored, timestamp};
use super::writer::Step;

/// What [`read`] reads.
pub(super) const COLUMNS: &str = "id, user_id, is_anonymous, status, original_image_url, \
     refinement_prompt, logo_description, theme_description, original_path, created_at, \
     updated_at, completed_at, result_id, image_path, error_message, lease_until, attempt, \
     deaths, checkpoint, revision";

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

/// Writes back what a rule may have changed.
pub(super) fn update(step: &Step<'_>, record: &TaskRecord) -> Result<(), Fault> {
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
    Ok(())
}
