//! What one host at a time does, and what all hosts share.

use concept_refinement_domain::timestamp::Timestamp;
use tokio_postgres::types::Type;

use super::PostgresTasks;
use super::fault::Fault;
use super::values::{Parameter, Time};
use crate::capability::Answer;

impl PostgresTasks {
    /// Takes a duty until that time, or holds it for longer. False: another
    /// holder has it. Whoever does not come back loses it at that time, by the
    /// store's clock.
    pub fn try_duty<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
        until: Timestamp,
    ) -> Answer<'a, bool> {
        const SQL: &str = "INSERT INTO schema.duty (name, holder, until) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
             WHERE duty.holder = excluded.holder OR duty.until <= $4";
        self.answer(async move {
            let session = self.database.session().await?;
            let (until, now) = (Time(until), Time(self.clock.now()));
            let parameters: [Parameter<'_>; 4] = [
                (&name, Type::TEXT),
                (&holder, Type::TEXT),
                (&until, Type::TIMESTAMPTZ),
                (&now, Type::TIMESTAMPTZ),
            ];
            Ok(session.execute(SQL, &parameters).await? > 0)
        })
    }

    /// Lets another holder have a duty at once.
    pub fn leave_duty<'a>(&'a self, name: &'a str, holder: &'a str) -> Answer<'a, ()> {
        const SQL: &str = "DELETE FROM schema.duty WHERE name = $1 AND holder = $2";
        self.answer(async move {
            let session = self.database.session().await?;
            let parameters: [Parameter<'_>; 2] = [(&name, Type::TEXT), (&holder, Type::TEXT)];
            session.execute(SQL, &parameters).await.map(drop)
        })
    }

    /// The secret of all hosts on this store: the one that is there, or else
    /// this one, which was drawn for it.
    pub fn secret(&self, drawn: Vec<u8>) -> Answer<'_, Vec<u8>> {
        const INSERT: &str = "INSERT INTO schema.secret (id, secret) VALUES (0, $1) \
             ON CONFLICT (id) DO NOTHING";
        const READ: &str = "SELECT secret FROM schema.secret";
        self.answer(async move {
            let session = self.database.session().await?;
            if let Some(row) = session.query_opt(READ, &[]).await? {
                return Ok(row.try_get(0)?);
            }
            session.execute(INSERT, &[(&drawn, Type::BYTEA)]).await?;
            let row = session.query_opt(READ, &[]).await?;
            Ok(row.ok_or(Fault::Timeout)?.try_get(0)?)
        })
    }
}
