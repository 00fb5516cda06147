//! Leader leases, and the secret that all hosts share.

use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::engine::SharedSecret;
use concept_refinement_capability::leader_leases::LeaderLeases;
use concept_refinement_domain::secret::LENGTH;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::connection::values::{Time, parameters};

const READ: &str = "SELECT secret FROM schema.secret";

impl LeaderLeases for PostgresTasks {
    fn take<'a>(&'a self, name: &'a str, time: Duration) -> Answer<'a, bool> {
        const SQL: &str = "INSERT INTO schema.leader_lease (name, holder, until) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
             WHERE leader_lease.holder = excluded.holder OR leader_lease.until <= $4";
        self.answer(async move {
            let session = self.database.session().await?;
            let now = self.clock.now();
            let until = now.plus(time);
            let parameters = parameters![name, self.database.host(), Time(until), Time(now)];
            Ok(session.run(SQL, &parameters).await? > 0)
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        const SQL: &str = "DELETE FROM schema.leader_lease WHERE name = $1 AND holder = $2";
        self.answer(async move {
            let session = self.database.session().await?;
            let parameters = parameters![name, self.database.host()];
            session.execute(SQL, &parameters).await
        })
    }
}

impl SharedSecret for PostgresTasks {
    fn existing(&self) -> Answer<'_, Option<[u8; LENGTH]>> {
        self.answer(async move {
            let session = self.database.session().await?;
            let secret: Option<Vec<u8>> = session.find(READ, &[], |cells| cells.get()).await?;
            secret.map(read).transpose()
        })
    }

    fn secret(&self, random: [u8; LENGTH]) -> Answer<'_, [u8; LENGTH]> {
        const INSERT: &str = "INSERT INTO schema.secret (id, secret) VALUES (0, $1) \
             ON CONFLICT (id) DO NOTHING";
        self.answer(async move {
            let session = self.database.session().await?;
            let random = parameters![random.to_vec()];
            session.execute(INSERT, &random).await?;
            let secret: Vec<u8> = session.one(READ, &[], |cells| cells.get()).await?;
            read(secret)
        })
    }
}

fn read(secret: Vec<u8>) -> Result<[u8; LENGTH], Fault> {
    let length = |_| Fault::NotReady("its secret is of another length".to_owned());
    secret.try_into().map_err(length)
}
