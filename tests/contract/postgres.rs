//! Postgres: the oldest and the newest release, behind a pooler, and killed.

mod commits;
pub mod hosts;
pub mod outages;
pub mod queue;
pub mod refusals;

use std::sync::{Arc, LazyLock, Mutex};

use concept_refinement_host::capability::Clock;
use concept_refinement_host::capability::clock::ManualClock;
use concept_refinement_host::capability::tasks::postgres::{PostgresTasks, Settings};
use concept_refinement_host::capability::tasks::{Options, TaskStore};
use concept_refinement_tests::postgres::{Data, Pooler, Postgres, Release, new_schema};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::tasks::differential::Compared;
use crate::tasks::{Durable, Rules, TaskBackend};

static FIFTEEN: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start(Release::Fifteen, Data::Volatile));
static EIGHTEEN: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start(Release::Eighteen, Data::Volatile));
static POOLER: LazyLock<Pooler> = LazyLock::new(|| Pooler::start(&FIFTEEN));

/// Schemas with tables that nobody uses any longer: it takes a while to make
/// them.
static SCHEMAS: Mutex<Vec<(Release, String)>> = Mutex::new(Vec::new());

/// Empties a schema.
const EMPTY: &str = "DELETE FROM account; DELETE FROM task; DELETE FROM idempotency_key; \
     DELETE FROM concept; DELETE FROM forgotten_task; DELETE FROM session; \
     DELETE FROM last_round; DELETE FROM duty; DELETE FROM secret; DELETE FROM upload_place";

/// A schema of a shared server. It can be used again when this is dropped.
pub struct Schema {
    release: Release,
    name: String,
}

impl Schema {
    pub fn new(release: Release) -> Self {
        let old = {
            let mut schemas = SCHEMAS.lock().unwrap();
            let found = schemas.iter().position(|(of, _)| *of == release);
            found.map(|index| schemas.swap_remove(index).1)
        };
        let name = match old {
            Some(name) => {
                server(release).execute(&format!("SET search_path = {name}; {EMPTY}"));
                name
            }
            None => new_schema(),
        };
        Self { release, name }
    }

    pub fn url(&self) -> String {
        server(self.release).url(&self.name)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        SCHEMAS.lock().unwrap().push((self.release, name));
    }
}

fn server(release: Release) -> &'static Postgres {
    match release {
        Release::Fifteen => &FIFTEEN,
        Release::Eighteen => &EIGHTEEN,
    }
}

/// A store on a schema that no other has.
pub struct OnServer {
    pub store: Arc<PostgresTasks>,
    _schema: Schema,
}

impl OnServer {
    pub fn start(release: Release, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        let schema = Schema::new(release);
        Self {
            store: open(&schema.url(), None, rules, clock),
            _schema: schema,
        }
    }
}

/// On a connection of ours, `listen` elsewhere.
pub fn open(
    url: &str,
    listen: Option<&str>,
    rules: Rules,
    clock: Arc<dyn Clock>,
) -> Arc<PostgresTasks> {
    let options = Options {
        lease: rules.lease,
        max_backlog: rules.max_backlog,
        ..Options::default()
    };
    let parse = |url: &str| Settings::parse(url, &|_| None).unwrap();
    let (settings, listen) = (parse(url), listen.map(parse));
    let opened = PostgresTasks::open_by(&settings, listen.as_ref(), options, clock);
    block_in_place(|| Handle::current().block_on(opened)).unwrap()
}

macro_rules! on_server {
    ($name:ident, $release:ident, $histories:literal) => {
        pub struct $name(OnServer);

        impl TaskBackend for $name {
            fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
                Self(OnServer::start(Release::$release, rules, clock))
            }

            fn store(&self) -> Arc<dyn TaskStore> {
                self.0.store.clone()
            }
        }

        impl Compared for $name {
            const HISTORIES: u32 = $histories;
            const IS_HOSTS: bool = true;
        }
    };
}

on_server!(Fifteen, Fifteen, 40);
on_server!(Eighteen, Eighteen, 10);

/// Behind PgBouncer, with an address without it to hear from other hosts.
pub struct Pooled {
    store: Arc<PostgresTasks>,
    _schema: Schema,
}

impl TaskBackend for Pooled {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        let schema = Schema::new(Release::Fifteen);
        let url = POOLER.url(&schema.name);
        Self {
            store: open(&url, Some(&schema.url()), rules, clock),
            _schema: schema,
        }
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        self.store.clone()
    }
}

impl Compared for Pooled {
    const HISTORIES: u32 = 10;
    const IS_HOSTS: bool = true;
}

/// A server of its own, which is killed.
pub struct Killed {
    store: Option<Arc<PostgresTasks>>,
    server: Arc<Mutex<Postgres>>,
}

impl Killed {
    fn on(server: Arc<Mutex<Postgres>>, rules: Rules, clock: Arc<ManualClock>) -> Self {
        let url = server.lock().unwrap().url("killed");
        Self {
            store: Some(open(&url, None, rules, clock)),
            server,
        }
    }
}

impl TaskBackend for Killed {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        let server = Postgres::start(Release::Fifteen, Data::Durable);
        Self::on(Arc::new(Mutex::new(server)), rules, clock)
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        self.store.clone().unwrap()
    }
}

impl Durable for Killed {
    fn restart(mut self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        self.store = None;
        Self::on(self.server, rules, clock)
    }

    fn crash(&self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        {
            let mut server = self.server.lock().unwrap();
            server.kill();
            server.run();
        }
        Self::on(Arc::clone(&self.server), rules, clock)
    }
}
