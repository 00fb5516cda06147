//! Reads all rows of a table in the order of their keys, and writes whole rows, many in a
//! statement.

use std::error::Error;

use bytes::BytesMut;
use concept_refinement_capability::Answer;
use concept_refinement_capability::moving::{Record, Records, Table, parameters};
use serde_json::Value;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::PostgresTasks;
use crate::connection::database::{SCAN_DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::values::{Parameter, Text, Typed, id, since_1970, since_2000, unescaped};

impl Records for PostgresTasks {
    fn records(
        &self,
        table: &'static Table,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>> {
        self.answer(async move {
            let session = self.database.session_within(SCAN_DEADLINE).await?;
            let types = types(&session, table).await?;
            read(&session, table, &types, after, limit).await
        })
    }

    fn restore(&self, table: &'static Table, records: Vec<Record>) -> Answer<'_, ()> {
        self.answer(async move {
            let session = self.database.session_within(SCAN_DEADLINE).await?;
            let types = types(&session, table).await?;
            session.begin(None).await?;
            insert(&session, table, &types, records).await?;
            if table.name == "audit_entry" {
                // The next entry gets a number that none of these has.
                const NEXT: &str = "SELECT setval('schema.audit_entry_number_seq', \
                     (SELECT max(number) FROM schema.audit_entry))";
                session.query(NEXT, &[]).await?;
            }
            session.commit().await
        })
    }

    fn clear(&self, table: &'static Table) -> Answer<'_, ()> {
        self.answer(async move {
            let session = self.database.session().await?;
            let sql = format!("DELETE FROM schema.{}", table.name);
            session.execute(&sql, &[]).await
        })
    }
}

/// `types`: those of the table's columns.
pub(crate) async fn read(
    session: &Session<'_>,
    table: &Table,
    types: &[Type],
    after: Option<Record>,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    let sql = table.select(&format!("schema.{}", table.name), after.is_none(), limit);
    let key = after.map(|record| table.key_of(record)).unwrap_or_default();
    let key = key.into_iter().map(Cell).zip(types.iter().cloned());
    let key: Vec<_> = key.collect();
    let rows = session.query(&sql, &all(&key)).await?;
    let record = |row: &tokio_postgres::Row| {
        let cells = (0..row.len()).map(|index| row.try_get(index));
        let values = cells.map(|cell| Ok(cell.map(|Cell(value)| value)?));
        values.collect()
    };
    rows.iter().map(record).collect()
}

/// Inserts records, except those whose keys exist. Returns how many were inserted.
pub(crate) async fn insert(
    session: &Session<'_>,
    Table { name, columns, .. }: &Table,
    types: &[Type],
    records: Vec<Record>,
) -> Result<u64, Fault> {
    if records.is_empty() {
        return Ok(0);
    }
    let (more, values) = match *name {
        // The queue delivers the task when it is due.
        "task" => (", deliver_at", ", due_at"),
        _ => ("", ""),
    };
    let sql = format!(
        "INSERT INTO schema.{name} ({columns}{more}) SELECT {columns}{values} \
         FROM unnest({}) AS record ({columns}) ON CONFLICT DO NOTHING",
        parameters(columns)
    );
    let list = |type_| (Vec::with_capacity(records.len()), list_of(type_));
    let mut lists: Vec<_> = types.iter().map(list).collect();
    for record in records {
        for ((list, _), value) in lists.iter_mut().zip(record) {
            list.push(Cell(value));
        }
    }
    session.run(&sql, &all(&lists)).await
}

fn all<T: Typed>(values: &[T]) -> Vec<Parameter<'_>> {
    values.iter().map(|value| value as Parameter<'_>).collect()
}

/// The type of a list of such values.
fn list_of(type_: &Type) -> Type {
    match *type_ {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

/// The types of a table's columns.
pub(crate) async fn types(
    session: &Session<'_>,
    Table { name, columns, .. }: &Table,
) -> Result<Vec<Type>, Fault> {
    // A row of nulls has types too, even if the table is empty.
    let sql = format!("SELECT {columns} FROM (VALUES (1)) AS one LEFT JOIN schema.{name} ON FALSE");
    let rows = session.query(&sql, &[]).await?;
    let row = rows.first().ok_or(Fault::Timeout)?;
    let types = row.columns().iter().map(|column| column.type_().clone());
    Ok(types.collect())
}

/// A value of a record as a column of any type. A value that does not fit the type is
/// stored as null, which the comparison after a move detects.
#[derive(Debug)]
struct Cell(Value);

impl ToSql for Cell {
    fn to_sql(
        &self,
        type_: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let (number, text) = (self.0.as_i64(), self.0.as_str());
        match *type_ {
            Type::BOOL => number.map(|number| number != 0).to_sql(type_, out),
            Type::INT8 => number.to_sql(type_, out),
            // Even a value that no version writes: such a row is moved unchanged.
            Type::TIMESTAMPTZ => number.map(since_2000).to_sql(&Type::INT8, out),
            Type::UUID => text.and_then(id).to_sql(type_, out),
            _ => text.map(Text::of).to_sql(type_, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl FromSql<'_> for Cell {
    fn from_sql(type_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *type_ {
            Type::BOOL => i64::from(bool::from_sql(type_, raw)?).into(),
            Type::INT8 => i64::from_sql(type_, raw)?.into(),
            Type::TIMESTAMPTZ => since_1970(raw)?.into(),
            Type::UUID => Uuid::from_sql(type_, raw)?.to_string().into(),
            // Only in tables of version 0.1.
            Type::TEXT_ARRAY => {
                let texts = Vec::<&str>::from_sql(type_, raw)?;
                let texts: Value = texts.into_iter().map(unescaped).collect();
                texts.to_string().into()
            }
            _ => unescaped(<&str>::from_sql(type_, raw)?).into(),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
