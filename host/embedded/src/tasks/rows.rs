//! A task as a row, read and written whole.

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::step::Steps;
use concept_refinement_domain::task::{Refinement, Task};
use concept_refinement_domain::trace::TraceContext;
use concept_refinement_domain::webhook::DeliveryRecord;
use rusqlite::types::FromSql;
use rusqlite::{Row, named_params};

use super::fault::Fault;
use super::stored::{Json, Stored};
use super::writer::Step;
use crate::sqlite::statements;

/// The columns that [`read`] expects, except for the last one, `steps`. The first one is
/// the id, and [`CREATED_AT`] the time.
macro_rules! columns {
    () => {
        "id, user_id, is_anonymous, status, original_image_url, refinement_prompt, \
         logo_description, theme_description, original_path, created_at, updated_at, \
         completed_at, result_id, image_path, error_message, lease_until, lease, attempt, \
         deaths, revision, payment, delivery, retry_of, trace"
    };
}

/// The whole record, for changes of it and for operators.
pub(super) const RECORD: &str = concat!(columns!(), ", steps");

/// The same without the story of the task, which users do not see.
pub(super) const COLUMNS: &str = concat!(columns!(), ", NULL");

/// Its index in [`RECORD`] and [`COLUMNS`].
pub(super) const CREATED_AT: usize = 9;

/// Reads a row of [`RECORD`] or [`COLUMNS`] by position: looking columns up by name is slower.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    let mut cells = Cells { row, next: 0 };
    Ok(TaskRecord {
        task: Task {
            id: cells.get()?,
            user_id: cells.get()?,
            is_anonymous: cells.get()?,
            status: cells.stored()?,
            refinement: Refinement {
                original_image_url: cells.get()?,
                refinement_prompt: cells.get()?,
                logo_description: cells.get()?,
                theme_description: cells.get()?,
            },
            original_path: cells.get()?,
            created_at: cells.stored()?,
            updated_at: cells.maybe()?,
            completed_at: cells.maybe()?,
            result_id: cells.get()?,
            image_path: cells.get()?,
            error_message: cells.get()?,
            lease_until: cells.maybe()?,
        },
        lease: cells.maybe()?,
        attempt: cells.get()?,
        deaths: cells.get()?,
        revision: cells.get::<i64>()?.unsigned_abs(),
        payment: Payment::of_json(cells.get::<Option<String>>()?.as_deref()),
        delivery: cells.text()?.and_then(delivery),
        retry_of: cells.get()?,
        trace: cells
            .text()?
            .and_then(|text| TraceContext::parse(text.as_bytes())),
        steps: Steps::of_text(cells.text()?.unwrap_or_default()),
    })
}

/// A delivery that cannot be parsed is treated as missing.
pub(super) fn delivery(json: &str) -> Option<DeliveryRecord> {
    serde_json::from_str(json).ok()
}

/// A row's place in the order of lists, from the columns with its time and its id.
pub(super) fn position(row: &Row<'_>, created_at: usize, id: usize) -> rusqlite::Result<Position> {
    Ok(Position {
        created_at: row.get::<_, Stored<_>>(created_at)?.0,
        id: row.get(id)?,
    })
}

/// The cells of a row, one after the other.
struct Cells<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl Cells<'_, '_> {
    fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.get(index)
    }

    /// Borrowed.
    fn text(&mut self) -> rusqlite::Result<Option<&str>> {
        let index = self.next;
        self.next += 1;
        Ok(self.row.get_ref(index)?.as_str_or_null()?)
    }

    fn stored<T>(&mut self) -> rusqlite::Result<T>
    where
        Stored<T>: FromSql,
    {
        self.get().map(|Stored(value)| value)
    }

    fn maybe<T>(&mut self) -> rusqlite::Result<Option<T>>
    where
        Stored<T>: FromSql,
    {
        let value: Option<Stored<T>> = self.get()?;
        Ok(value.map(|Stored(value)| value))
    }
}

pub(super) fn find(step: &Step<'_>, id: &str) -> rusqlite::Result<Option<TaskRecord>> {
    let sql = format!("SELECT {RECORD} FROM task WHERE id = ?");
    statements::find(step.connection, &sql, [id], read)
}

pub(super) fn exists(step: &Step<'_>, id: &str) -> Result<bool, Fault> {
    Ok(step
        .connection
        .prepare_cached("SELECT 1 FROM task WHERE id = ?")?
        .exists([id])?)
}

/// The user's task that is pending or processing.
pub(super) fn active(step: &Step<'_>, user_id: &str) -> Result<Option<TaskRecord>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM task WHERE user_id = ? AND status IN ('pending', 'processing')"
    );
    Ok(statements::find(step.connection, &sql, [user_id], read)?)
}

pub(super) fn insert(step: &Step<'_>, record: &TaskRecord) -> Result<(), Fault> {
    let TaskRecord {
        task,
        lease,
        attempt,
        deaths,
        revision,
        payment,
        delivery,
        retry_of,
        trace,
        steps,
    } = record;
    let sql = format!(
        "INSERT INTO task ({RECORD}, due_at, receiver, delivery_due_at) \
         VALUES (:id, :user_id, :is_anonymous, :status, :url, :prompt, :logo, :theme, \
         :original_path, :created_at, :updated_at, :completed_at, :result_id, :image_path, \
         :error_message, :lease_until, :lease, :attempt, :deaths, :revision, :payment, :delivery, \
         :retry_of, :trace, :steps, :due_at, :receiver, :delivery_due_at)"
    );
    let parameters = named_params! {
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
        ":updated_at": task.updated_at.map(Stored),
        ":completed_at": task.completed_at.map(Stored),
        ":result_id": task.result_id,
        ":image_path": task.image_path,
        ":error_message": task.error_message,
        ":lease_until": task.lease_until.map(Stored),
        ":lease": lease.map(Stored),
        ":attempt": attempt,
        ":deaths": deaths,
        ":revision": i64::try_from(*revision).unwrap_or(i64::MAX),
        ":payment": payment.to_json(),
        ":due_at": due_at(task).map(Stored),
        ":delivery": delivery.as_ref().map(Json),
        ":retry_of": retry_of,
        ":trace": trace.as_ref().map(ToString::to_string),
        ":steps": steps.to_text(),
        ":receiver": delivery.as_ref().map(DeliveryRecord::receiver),
        ":delivery_due_at": delivery.as_ref().and_then(DeliveryRecord::due_at).map(Stored),
    };
    statements::run(step.connection, &sql, parameters)?;
    Ok(())
}

/// Writes everything that a rule may have changed, except for the delivery.
pub(super) fn update(step: &Step<'_>, record: &TaskRecord) -> Result<(), Fault> {
    let task = &record.task;
    let sql = "UPDATE task SET status = :status, updated_at = :updated_at, \
         completed_at = :completed_at, result_id = :result_id, image_path = :image_path, \
         error_message = :error_message, lease_until = :lease_until, lease = :lease, \
         attempt = :attempt, deaths = :deaths, revision = :revision, payment = :payment, \
         due_at = :due_at, steps = :steps \
         WHERE id = :id";
    let parameters = named_params! {
        ":id": task.id,
        ":status": task.status.as_str(),
        ":updated_at": task.updated_at.map(Stored),
        ":completed_at": task.completed_at.map(Stored),
        ":result_id": task.result_id,
        ":image_path": task.image_path,
        ":error_message": task.error_message,
        ":lease_until": task.lease_until.map(Stored),
        ":lease": record.lease.map(Stored),
        ":attempt": record.attempt,
        ":deaths": record.deaths,
        ":revision": i64::try_from(record.revision).unwrap_or(i64::MAX),
        ":payment": record.payment.to_json(),
        ":due_at": due_at(task).map(Stored),
        ":steps": record.steps.to_text(),
    };
    statements::run(step.connection, sql, parameters)?;
    Ok(())
}
