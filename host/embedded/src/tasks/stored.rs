//! Conversions of domain values to columns.

use std::time::Duration;

use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

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

/// Also in microseconds.
impl ToSql for Stored<Duration> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let micros = i64::try_from(self.0.as_micros()).unwrap_or(i64::MAX);
        Ok(ToSqlOutput::Owned(Value::Integer(micros)))
    }
}

impl FromSql for Stored<Duration> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let micros = value.as_i64()?.unsigned_abs();
        Ok(Self(Duration::from_micros(micros)))
    }
}

impl FromSql for Stored<Status> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let status = Status::of(value.as_str()?);
        status.map(Self).ok_or(FromSqlError::InvalidType)
    }
}
