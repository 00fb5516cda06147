//! When the sessions of anonymous users with data end.

use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::database::{SCAN_DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, parameters};

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
    let (user_id, until) = (Text::of(user_id), Time(until));
    let parameters = parameters![user_id, until, owns_images];
    session.execute(SQL, &parameters).await.map(drop)
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
    let (users, before) = (Text::all(&users), Time(before));
    let parameters = parameters![users, before];
    let rows = session.query(SQL, &parameters).await?;
    rows.iter().map(|row| Cells::of(row).text()).collect()
}

/// Removes sessions that ended before this time, as they no longer protect any data.
pub(crate) async fn forget(
    session: &Session<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<(), Fault> {
    const SQL: &str = "DELETE FROM schema.session WHERE user_id = ANY (ARRAY \
         (SELECT user_id FROM schema.session WHERE until < $1 ORDER BY until LIMIT $2))";
    let (before, limit) = (Time(before), i64::from(limit));
    let parameters = parameters![before, limit];
    session.execute(SQL, &parameters).await.map(drop)
}
