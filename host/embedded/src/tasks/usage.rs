//! How many tasks a user has created in each calendar window. The rules are those of the
//! domain's `Usage`.

use concept_refinement_domain::quota::{Refund, Usage};
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::types::Type;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::find;

pub(super) fn of(connection: &Connection, pseudonym: &str) -> Result<Usage, Fault> {
    let sql = "SELECT usage FROM account WHERE pseudonym = ?";
    let usage = find(connection, sql, [pseudonym], |row| {
        let usage = serde_json::from_str(row.get_ref(0)?.as_str()?);
        usage.map_err(|error| FromSqlConversionFailure(0, Type::Text, error.into()))
    })?;
    Ok(usage.unwrap_or_default())
}

/// Saves the counts, to which a task was just added.
pub(super) fn save(tx: &Tx<'_>, user_id: &str, usage: &Usage) -> Result<(), Fault> {
    let pseudonym = tx.options.pseudonyms.of(user_id);
    let sql = "INSERT OR REPLACE INTO account (pseudonym, usage, ends_at) VALUES (?, ?, ?)";
    let ends_at = Stored(Usage::ends_at(tx.now));
    tx.execute(sql, params![pseudonym, json(usage), ends_at])?;
    let outdated = "DELETE FROM account WHERE pseudonym IN \
         (SELECT pseudonym FROM account WHERE ends_at <= ? LIMIT ?)";
    tx.prune(outdated, tx.now)
}

/// Gives back the count of a task that was created at `created_at`.
pub(super) fn refund(
    tx: &Tx<'_>,
    user_id: &str,
    created_at: Timestamp,
    refund: Refund,
) -> Result<(), Fault> {
    let pseudonym = tx.options.pseudonyms.of(user_id);
    let mut usage = of(tx.connection, &pseudonym)?;
    if !usage.refund(created_at, refund) {
        return Ok(());
    }
    let sql = "UPDATE account SET usage = ? WHERE pseudonym = ?";
    tx.execute(sql, params![json(&usage), pseudonym])
}

fn json(usage: &Usage) -> String {
    // None of its values can fail to be serialized.
    serde_json::to_string(usage).unwrap_or_default()
}
