//! The last round of deletion by age, in one row.

use concept_refinement_domain::clock_trust::LastRound;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, micros, parameters};

pub(crate) async fn last(store: &PostgresTasks) -> Result<Option<LastRound>, Fault> {
    const SQL: &str = "SELECT at, probation FROM schema.last_round";
    let session = store.database.session().await?;
    let last = session.find(SQL, &[], |cells| {
        Ok(LastRound {
            at: cells.time()?,
            probation: cells.maybe_duration()?,
        })
    });
    last.await
}

pub(crate) async fn remember(
    store: &PostgresTasks,
    LastRound { at, probation }: LastRound,
) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO schema.last_round (id, at, probation) VALUES (0, $1, $2) \
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, probation = excluded.probation";
    let session = store.database.session().await?;
    let parameters = parameters![Time(at), probation.map(micros)];
    session.execute(SQL, &parameters).await
}
