//! When the sessions of anonymous users with data end.

use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::database::{SCAN_DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::values::{Text, Time, parameters};

pub(crate) async fn renew(
    store: &PostgresTasks,
    user_id: &str,
    until: Timestamp,
    owns_images: bool,
) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO schema.session (user_id, until) SELECT $1, $2 \
         WHERE $3 OR EXISTS (SELECT FROM schema.task WHERE user_id = $1) \
         OR EXISTS (SELECT FROM schema.concept WHERE user_id = $1) \
         ON CONFLICT (user_id) DO UPDATE SET until = greatest(session.until, excluded.until)";
    let session = store.database.session_of(user_id).await?;
    let parameters = parameters![Text::of(user_id), Time(until), owns_images];
    session.execute(SQL, &parameters).await
}

pub(crate) async fn without(
    store: &PostgresTasks,
    users: Vec<String>,
    before: Timestamp,
) -> Result<Vec<String>, Fault> {
    const SQL: &str = "SELECT asked.user_id \
         FROM unnest($1) WITH ORDINALITY AS asked (user_id, number) \
         WHERE NOT EXISTS (SELECT FROM schema.session \
             WHERE session.user_id = asked.user_id AND until >= $2) ORDER BY number";
    let session = store.database.session_within(SCAN_DEADLINE).await?;
    let parameters = parameters![Text::all(&users), Time(before)];
    session.all(SQL, &parameters, |cells| cells.text()).await
}

/// Removes sessions that ended before this time, as they no longer protect any data.
pub(crate) async fn forget(
    session: &Session<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<(), Fault> {
    const SQL: &str = "DELETE FROM schema.session WHERE user_id = ANY (ARRAY \
         (SELECT user_id FROM schema.session WHERE until < $1 ORDER BY until LIMIT $2))";
    let parameters = parameters![Time(before), i64::from(limit)];
    session.execute(SQL, &parameters).await
}
