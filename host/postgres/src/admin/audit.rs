//! The audit: who did what, and why.

use concept_refinement_capability::administration::AuditEntry;
use concept_refinement_capability::storage::Audit;
use concept_refinement_domain::timestamp::Timestamp;

use super::acts::Acts;
use crate::PostgresTasks;
use crate::connection::database::Session;
use crate::connection::fault::{Fault, readable};
use crate::connection::values::{Cells, Text, Time, parameters};

pub(crate) async fn add(acts: &Acts<'_>, audit: &Audit) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO schema.audit_entry (at, actor, action, target, reason, count) \
         VALUES ($1, $2, $3, $4, $5, $6)";
    let Audit {
        act,
        action,
        target,
        count,
    } = audit;
    let count = i64::try_from(*count).unwrap_or(i64::MAX);
    let [actor, reason, target] = [&act.actor, &act.reason, target].map(|text| Text::of(text));
    let parameters = parameters![Time(acts.now), actor, *action, target, reason, count];
    acts.session.execute(SQL, &parameters).await
}

pub(super) async fn list(
    store: &PostgresTasks,
    limit: u32,
    before: Option<u64>,
) -> Result<Vec<AuditEntry>, Fault> {
    const SQL: &str = "SELECT number, at, actor, action, target, reason, count \
         FROM schema.audit_entry WHERE number < $1 ORDER BY number DESC LIMIT $2";
    let before = before.and_then(|before| i64::try_from(before).ok());
    let session = store.database.session().await?;
    let parameters = parameters![before.unwrap_or(i64::MAX), i64::from(limit)];
    let entries = session.all(SQL, &parameters, |cells| {
        let number = cells.count()?;
        readable(number, read(cells, number))
    });
    Ok(entries.await?.into_iter().flatten().collect())
}

fn read(cells: &mut Cells<'_>, number: u64) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        number,
        at: cells.time()?,
        actor: cells.text()?,
        action: cells.text()?,
        target: cells.text()?,
        reason: cells.text()?,
        count: cells.count()?,
    })
}

pub(super) async fn prune(session: &Session<'_>, before: Timestamp) -> Result<(), Fault> {
    const SQL: &str = "DELETE FROM schema.audit_entry WHERE at < $1";
    session.execute(SQL, &parameters![Time(before)]).await
}
