//! The last round of deletion by age, in one row.

use concept_refinement_domain::clock_trust::LastRound;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;

pub(super) fn last(connection: &Connection) -> Result<Option<LastRound>, Fault> {
    let row = connection
        .prepare_cached("SELECT at, probation FROM last_round")?
        .query_row([], |row| {
            let (Stored(at), probation): (_, Option<Stored<_>>) = (row.get(0)?, row.get(1)?);
            let probation = probation.map(|Stored(probation)| probation);
            Ok(LastRound { at, probation })
        })
        .optional()?;
    Ok(row)
}

pub(super) fn remember(
    step: &Step<'_>,
    LastRound { at, probation }: LastRound,
) -> Result<(), Fault> {
    step.connection
        .prepare_cached("INSERT OR REPLACE INTO last_round (id, at, probation) VALUES (0, ?, ?)")?
        .execute(params![Stored(at), probation.map(Stored)])?;
    Ok(())
}
