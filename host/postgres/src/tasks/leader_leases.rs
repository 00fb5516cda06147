//! Leader leases, and the secret that all hosts share.

use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::engine::SharedSecret;
use concept_refinement_capability::leader_leases::LeaderLeases;
use concept_refinement_domain::secret::LENGTH;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};

impl LeaderLeases for PostgresTasks {
    fn take<'a>(&'a self, name: &'a str, time: Duration) -> Answer<'a, bool> {
        const SQL: &str = "INSERT INTO schema.leader_lease (name, holder, until) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
             WHERE leader_lease.holder = excluded.holder OR leader_lease.until <= $4";
        self.answer(async move {
            let session = self.database.session().await?;
            let holder = self.database.host();
            let now = self.clock.now();
            let (until, now) = (Time(now.plus(time)), Time(now));
            let parameters = parameters![name, holder, until, now];
            Ok(session.execute(SQL, &parameters).await? > 0)
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        const SQL: &str = "DELETE FROM schema.leader_lease WHERE name = $1 AND holder = $2";
        self.answer(async move {
            let session = self.database.session().await?;
            let holder = self.database.host();
            let parameters = parameters![name, holder];
            session.execute(SQL, &parameters).await.map(drop)
        })
    }
}

impl SharedSecret for PostgresTasks {
    fn secret(&self, random: [u8; LENGTH]) -> Answer<'_, [u8; LENGTH]> {
        const INSERT: &str = "INSERT INTO schema.secret (id, secret) VALUES (0, $1) \
             ON CONFLICT (id) DO NOTHING";
        const READ: &str = "SELECT secret FROM schema.secret";
        self.answer(async move {
            let random = random.to_vec();
            let session = self.database.session().await?;
            session.execute(INSERT, &parameters![random]).await?;
            let row = session.query_opt(READ, &[]).await?;
            let secret: Vec<u8> = row.ok_or(Fault::Timeout)?.try_get(0)?;
            let length = |_| Fault::NotReady("its secret is of another length".to_owned());
            secret.try_into().map_err(length)
        })
    }
}
