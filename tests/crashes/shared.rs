//! Engines that several hosts share, each started for one test and thrown away
//! with it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use concept_refinement_tests::engines;
use concept_refinement_tests::nats::NatsServer;
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use concept_refinement_tests::proxy::Proxy;
use concept_refinement_tests::s3::{self, Place};
use concept_refinement_tests::service::Launch;

use crate::stores::Stores;

const SCHEMA: &str = "refinement";

/// Which engine carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Store,
    Nats,
}

pub struct Engines {
    pub postgres: Arc<Mutex<Postgres>>,
    /// What follows it, and can take its place.
    standby: Option<Postgres>,
    /// None: the queue is inside the task store.
    pub nats: Option<NatsServer>,
    images: Place,
}

impl Engines {
    pub fn start(queue: Queue) -> Self {
        let postgres = Postgres::start(Release::Fifteen, Data::Durable);
        Self {
            postgres: Arc::new(Mutex::new(postgres)),
            standby: None,
            nats: (queue == Queue::Nats).then(NatsServer::start),
            images: s3::shared(s3::Kind::S3sFs).place(),
        }
    }

    /// With another database that has what the first one says it has, to be read too.
    pub fn with_standby(queue: Queue) -> Self {
        let mut engines = Self::start(queue);
        let primary = engines.postgres.lock().unwrap();
        let standby = primary.standby();
        primary.execute("ALTER SYSTEM SET synchronous_commit = remote_apply");
        primary.execute("SELECT pg_reload_conf()");
        drop(primary);
        engines.standby = Some(standby);
        engines
    }

    /// From now on the first database waits for no other, and nothing gets there.
    pub fn lag(&mut self) {
        let primary = self.postgres.lock().unwrap();
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = ''");
        primary.execute("SELECT pg_reload_conf()");
        if let Some(standby) = &mut self.standby {
            standby.kill();
        }
    }

    /// Kills the first database, and lets the other one take its place.
    pub fn promote(&mut self) {
        let mut standby = self.standby.take().unwrap();
        let mut primary = self.postgres.lock().unwrap();
        primary.kill();
        if standby.is_away() {
            standby.run();
        }
        standby.promote();
        *primary = standby;
    }

    /// A way of its own to each engine, for one host.
    pub fn proxies(&self) -> (Proxy, Option<Proxy>, Proxy) {
        let postgres: SocketAddr = ([127, 0, 0, 1], self.postgres.lock().unwrap().port()).into();
        let nats = self.nats.as_ref().map(|nats| Proxy::to(nats.address()));
        (Proxy::to(postgres), nats, Proxy::to(self.images.server()))
    }

    /// To the engines by these ways.
    pub fn settings(
        &self,
        launch: Launch,
        tasks: &Proxy,
        queue: Option<&Proxy>,
        images: &Proxy,
    ) -> Launch {
        let standby = self.standby.as_ref();
        let standby = standby.map_or(String::new(), |it| format!(",127.0.0.1:{}", it.port()));
        let tasks = format!(
            "postgres://postgres@{}{standby}/postgres?sslmode=disable&schema={SCHEMA}",
            tasks.address()
        );
        let queue = queue.map_or("store".to_owned(), |queue| {
            format!("nats://{}", queue.address())
        });
        launch
            .set("tasks", &tasks)
            .set("queue", &queue)
            .images_at(&self.images, images.address())
    }

    /// The tasks that a worker has.
    pub fn processing(&self) -> Vec<String> {
        let sql = format!(
            "SELECT string_agg(id::text, ' ') FROM {SCHEMA}.task WHERE status = 'processing'"
        );
        let text = self.postgres.lock().unwrap().query(&sql);
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// How many of these are no tasks.
    pub fn lacks(&self, tasks: &[&str]) -> usize {
        let sql = format!(
            "SELECT count(*) FROM {SCHEMA}.task WHERE id = ANY ('{{{}}}')",
            tasks.join(",")
        );
        let found = self.postgres.lock().unwrap().query(&sql);
        tasks.len() - found.trim().parse::<usize>().unwrap()
    }

    /// As if their workers had died long ago.
    pub fn end_leases(&self) {
        let postgres = self.postgres.lock().unwrap();
        postgres.execute(&format!(
            "UPDATE {SCHEMA}.task SET lease_until = created_at, due_at = created_at, \
             deliver_at = created_at WHERE status = 'processing'"
        ));
    }

    pub fn stores(&self) -> Arc<dyn Stores> {
        let postgres = Arc::clone(&self.postgres);
        Arc::new(Shared {
            query: Box::new(move |sql| postgres.lock().unwrap().query(sql)),
            schema: SCHEMA.to_owned(),
            images: self.images.clone(),
        })
    }
}

/// The part of this launch of the engines that this run is on.
pub fn stores_of(launch: &Launch) -> Arc<dyn Stores> {
    Arc::new(Shared {
        query: Box::new(|sql| engines::postgres().query(sql)),
        schema: launch.schema(),
        images: launch.place(),
    })
}

struct Shared {
    query: Box<dyn Fn(&str) -> String + Send + Sync>,
    schema: String,
    images: Place,
}

impl Shared {
    /// One line a row.
    fn lines(&self, select: &str) -> Vec<String> {
        let sql =
            format!("SELECT coalesce(string_agg(line, E'\\n'), '') FROM ({select}) AS rows(line)");
        let sql = sql.replace("schema.", &format!("{}.", self.schema));
        let text = (self.query)(&sql);
        text.lines().map(str::to_owned).collect()
    }
}

impl Stores for Shared {
    fn refined(&self) -> BTreeSet<String> {
        let names = self.images.names().into_iter();
        // What goes with an image has a full stop in its name.
        names
            .filter(|name| self.images.is_described(name))
            .filter_map(|name| Some(name.strip_prefix("refined/")?.to_owned()))
            .filter(|name| !name.contains('.'))
            .collect()
    }

    /// Before the first start there is no table.
    fn free_duties(&self) {
        let sql = "DO $$ BEGIN IF to_regclass('schema.leader_lease') IS NOT NULL THEN \
             DELETE FROM schema.leader_lease; END IF; END $$";
        (self.query)(&sql.replace("schema.", &format!("{}.", self.schema)));
    }

    fn violations(&self) -> Vec<String> {
        let checks = [
            (
                "a task that is due for ever",
                "SELECT id::text FROM schema.task WHERE due_at IS NOT NULL",
            ),
            (
                "a task that is delivered for ever",
                "SELECT id::text FROM schema.task \
                 WHERE deliver_at IS NOT NULL AND completed_at IS NOT NULL",
            ),
            (
                "a concept without its task's name",
                "SELECT concept.id::text FROM schema.concept JOIN schema.task \
                 ON task.id = concept.task_id WHERE task.state::json ->> 'result_id' <> concept.id::text",
            ),
            (
                "what images take together is counted otherwise, by bytes and number",
                "SELECT concat_ws(' ', stored, pending, pending_count) FROM (SELECT \
                 (SELECT sum(stored) FROM schema.upload_total) \
                     - coalesce(sum(bytes) FILTER (WHERE until IS NULL), 0) AS stored, \
                 (SELECT sum(pending) FROM schema.upload_total) \
                     - coalesce(sum(bytes) FILTER (WHERE until IS NOT NULL), 0) AS pending, \
                 (SELECT sum(pending_count) FROM schema.upload_total) - count(until) AS pending_count \
                 FROM schema.upload_reservation) AS surplus \
                 WHERE stored <> 0 OR pending <> 0 OR pending_count <> 0",
            ),
        ];
        let found = checks.into_iter().flat_map(|(what, select)| {
            let lines = self.lines(select);
            lines.into_iter().map(move |line| format!("{what}: {line}"))
        });
        found.collect()
    }
}
