//! Rows as records, for moves and upgrades.

use concept_refinement_capability::moving::Record;
use rusqlite::Row;
use rusqlite::types::{Value as Cell, ValueRef};
use serde_json::Value;

pub(crate) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let columns = 0..row.as_ref().column_count();
    let values = columns.map(|column| {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            _ => row.get::<_, String>(column)?.into(),
        })
    });
    values.collect()
}

pub(crate) fn cell(value: &Value) -> Cell {
    let number = value.as_i64().map(Cell::from);
    let text = || value.as_str().map(|text| Cell::from(text.to_owned()));
    number.or_else(text).unwrap_or(Cell::Null)
}
