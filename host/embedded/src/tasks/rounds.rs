//! The last round of deletion by age, in one row.

use concept_refinement_domain::clock_trust::LastRound;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::rows::{maybe, stored};
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::find;

pub(super) fn last(connection: &Connection) -> Result<Option<LastRound>, Fault> {
    let sql = "SELECT at, probation FROM last_round";
    let last = find(connection, sql, [], |row| {
        let (at, probation) = (stored(row, 0)?, maybe(row, 1)?);
        Ok(LastRound { at, probation })
    });
    Ok(last?)
}

pub(super) fn remember(tx: &Tx<'_>, LastRound { at, probation }: LastRound) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO last_round (id, at, probation) VALUES (0, ?, ?)";
    tx.execute(sql, params![Stored(at), probation.map(Stored)])
}
