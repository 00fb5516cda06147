//! A task as a row: its columns and its documents.

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::document::{Columns, FromStored, Unreadable};
use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::DeliveryRecord;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Row, named_params};

use super::deadlines;
use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements;

/// The columns that [`read`] expects. The first one is the id, and [`CREATED_AT`] the time.
pub(super) const COLUMNS: &str = "id, user_id, is_anonymous, original_path, created_at, \
     status, updated_at, completed_at, image_path, lease_until, lease, revision, request, state";

/// Its index in [`COLUMNS`].
pub(super) const CREATED_AT: usize = 4;

/// The same for the time of its end.
const COMPLETED_AT: usize = 7;

/// How many [`COLUMNS`] there are.
pub(super) const COUNT: usize = 14;

/// Reads a row of [`COLUMNS`] by position: looking columns up by name is slower.
pub(super) fn read<T: FromStored>(row: &Row<'_>) -> rusqlite::Result<T> {
    let columns = Columns {
        id: row.get(0)?,
        user_id: row.get(1)?,
        is_anonymous: row.get(2)?,
        original_path: row.get(3)?,
        created_at: stored(row, CREATED_AT)?,
        status: stored(row, 5)?,
        updated_at: maybe(row, 6)?,
        completed_at: maybe(row, COMPLETED_AT)?,
        image_path: row.get(8)?,
        lease_until: maybe(row, 9)?,
        lease: maybe(row, 10)?,
        revision: row.get::<_, i64>(11)?.unsigned_abs(),
    };
    let (request, state) = (row.get_ref(12)?.as_str()?, row.get_ref(13)?.as_str()?);
    T::stored(columns, request, state).map_err(unreadable)
}

/// The same, of a task that has not ended. None: it has.
pub(super) fn read_active(row: &Row<'_>) -> rusqlite::Result<Option<TaskRecord>> {
    match row.get::<_, Option<i64>>(COMPLETED_AT)? {
        Some(_) => Ok(None),
        None => read(row).map(Some),
    }
}

/// As a value of a row that cannot be read.
pub(super) fn unreadable(error: Unreadable) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}

/// A row's place in the order of lists, from the columns with its time and its id.
pub(super) fn position(row: &Row<'_>, created_at: usize, id: usize) -> rusqlite::Result<Position> {
    Ok(Position {
        created_at: stored(row, created_at)?,
        id: row.get(id)?,
    })
}

/// A value of a domain type in this column.
pub(super) fn stored<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    Stored<T>: FromSql,
{
    row.get(column).map(|Stored(value)| value)
}

/// The same where the column may be null.
pub(super) fn maybe<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    Stored<T>: FromSql,
{
    let value: Option<Stored<T>> = row.get(column)?;
    Ok(value.map(|Stored(value)| value))
}

pub(super) fn find(tx: &Tx<'_>, id: &str) -> rusqlite::Result<Option<TaskRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM task WHERE id = ?");
    statements::find(tx.connection, &sql, [id], read)
}

pub(super) fn exists(tx: &Tx<'_>, id: &str) -> Result<bool, Fault> {
    let mut found = tx
        .connection
        .prepare_cached("SELECT 1 FROM task WHERE id = ?")?;
    Ok(found.exists([id])?)
}

pub(super) fn insert(tx: &Tx<'_>, record: &TaskRecord) -> Result<(), Fault> {
    let task = &record.task;
    let sql = format!(
        "INSERT INTO task ({COLUMNS}, due_at, receiver, delivery_due_at) \
         VALUES (:id, :user_id, :is_anonymous, :original_path, :created_at, :status, :updated_at, \
         :completed_at, :image_path, :lease_until, :lease, :revision, :request, :state, :due_at, \
         :receiver, :delivery_due_at)"
    );
    let parameters = named_params! {
        ":id": task.id,
        ":user_id": task.user_id,
        ":is_anonymous": task.is_anonymous,
        ":original_path": task.original_path,
        ":created_at": Stored(task.created_at),
        ":status": task.status.as_str(),
        ":updated_at": task.updated_at.map(Stored),
        ":completed_at": task.completed_at.map(Stored),
        ":image_path": task.image_path,
        ":lease_until": task.lease_until.map(Stored),
        ":lease": record.lease.map(Stored),
        ":revision": revision(record),
        ":request": record.request(),
        ":state": record.state(),
        ":due_at": due_at(task).map(Stored),
        ":receiver": record.delivery.as_ref().map(DeliveryRecord::receiver),
        ":delivery_due_at": delivery_due_at(record),
    };
    tx.execute(&sql, parameters)?;
    deadlines::add(tx, record)
}

/// Writes everything that a rule may have changed.
pub(super) fn update(tx: &Tx<'_>, record: &TaskRecord) -> Result<(), Fault> {
    let task = &record.task;
    let sql = "UPDATE task SET status = :status, updated_at = :updated_at, \
         completed_at = :completed_at, image_path = :image_path, lease_until = :lease_until, \
         lease = :lease, revision = :revision, due_at = :due_at, \
         delivery_due_at = :delivery_due_at, state = :state WHERE id = :id";
    let parameters = named_params! {
        ":id": task.id,
        ":status": task.status.as_str(),
        ":updated_at": task.updated_at.map(Stored),
        ":completed_at": task.completed_at.map(Stored),
        ":image_path": task.image_path,
        ":lease_until": task.lease_until.map(Stored),
        ":lease": record.lease.map(Stored),
        ":revision": revision(record),
        ":due_at": due_at(task).map(Stored),
        ":delivery_due_at": delivery_due_at(record),
        ":state": record.state(),
    };
    tx.execute(sql, parameters)
}

fn revision(record: &TaskRecord) -> i64 {
    i64::try_from(record.revision).unwrap_or(i64::MAX)
}

fn delivery_due_at(record: &TaskRecord) -> Option<Stored<Timestamp>> {
    let due_at = record.delivery.as_ref().and_then(DeliveryRecord::due_at);
    due_at.map(Stored)
}
