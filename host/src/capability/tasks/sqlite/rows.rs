//! A task as a row: read whole, changed in memory by the domain's rules, and
//! written back whole within the same step.

use std::sync::Arc;

use concept_refinement_domain::lease::PENDING_OVERDUE;
use concept_refinement_domain::task::{Event, Refinement, Status, Task, next_status};
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{OptionalExtension, Params, Row, named_params};

use super::fault::Fault;
use super::watch::News;
use super::writer::Step;

/// What `TaskRow::read` reads.
pub(super) const COLUMNS: &str = "id, user_id, is_anonymous, status, original_image_url, \
     refinement_prompt, logo_description, theme_description, original_path, created_at, \
     updated_at, completed_at, result_id, image_path, error_message, lease_until, attempt, \
     deaths, checkpoint, revision";

#[derive(Clone, Debug)]
pub(super) struct TaskRow {
    pub(super) task: Task,
    pub(super) attempt: u32,
    pub(super) deaths: u32,
    pub(super) checkpoint: Option<String>,
    pub(super) revision: u64,
}

impl TaskRow {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
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

    /// Lets the event happen to the task, now. False: it cannot.
    pub(super) fn happen(&mut self, event: Event, now: Timestamp) -> bool {
        let Some(status) = next_status(self.task.status, event) else {
            return false;
        };
        self.task.status = status;
        self.task.updated_at = Some(now);
        self.task.completed_at = status.is_final().then_some(now);
        if status != Status::Processing {
            self.task.lease_until = None;
        }
        self.revision = self.revision.saturating_add(1);
        true
    }

    /// When the task needs a (new) message.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        match self.task.status {
            Status::Pending => {
                let since = self.task.updated_at.unwrap_or(self.task.created_at);
                Some(since.plus(PENDING_OVERDUE))
            }
            Status::Processing => self.task.lease_until,
            Status::Completed | Status::Failed => None,
        }
    }
}

pub(super) fn find(step: &Step<'_>, id: &str) -> Result<Option<TaskRow>, Fault> {
    one(step, "id = ?", [id])
}

/// The user's task that is pending or processing.
pub(super) fn active(step: &Step<'_>, user_id: &str) -> Result<Option<TaskRow>, Fault> {
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
) -> Result<Option<TaskRow>, Fault> {
    let mut statement = step
        .connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM task WHERE {condition}"))?;
    Ok(statement.query_row(parameters, TaskRow::read).optional()?)
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
        ":due_at": Stored(task.created_at.plus(PENDING_OVERDUE)),
    })?;
    Ok(())
}

/// Writes a row back. A change of status is told to those who watch.
pub(super) fn save(step: &mut Step<'_>, row: &TaskRow, is_news: bool) -> Result<(), Fault> {
    let mut statement = step.connection.prepare_cached(
        "UPDATE task SET status = :status, updated_at = :updated_at, \
         completed_at = :completed_at, result_id = :result_id, image_path = :image_path, \
         error_message = :error_message, lease_until = :lease_until, attempt = :attempt, \
         deaths = :deaths, checkpoint = :checkpoint, revision = :revision, due_at = :due_at \
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": row.task.id,
        ":status": row.task.status.as_str(),
        ":updated_at": row.task.updated_at.map(Stored),
        ":completed_at": row.task.completed_at.map(Stored),
        ":result_id": row.task.result_id,
        ":image_path": row.task.image_path,
        ":error_message": row.task.error_message,
        ":lease_until": row.task.lease_until.map(Stored),
        ":attempt": row.attempt,
        ":deaths": row.deaths,
        ":checkpoint": row.checkpoint,
        ":revision": i64::try_from(row.revision).unwrap_or(i64::MAX),
        ":due_at": row.due_at().map(Stored),
    })?;
    if is_news {
        let news = News::Status(row.revision, row.attempt, Arc::new(row.task.clone()));
        step.announce(&row.task.id, news);
    }
    Ok(())
}

/// A value of the domain in a column.
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
