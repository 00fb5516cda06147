//! Postgres: the oldest and the newest release, behind a pooler, and killed.

mod commits;
pub mod hosts;
mod moving;
pub mod outages;
pub mod queue;
pub mod refusals;
mod sharing;
mod upgrade;

use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, Mutex};

use concept_refinement_capability::Clock;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::tasks::{Options, TaskStore};
use concept_refinement_postgres::{PostgresTasks, Settings};
use concept_refinement_tests::postgres::{Data, Pooler, Postgres, Release, new_schema};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::administration::{Joined, Operated};
use crate::tasks::differential::Compared;
use crate::tasks::{Durable, Rules, TaskBackend};

pub static FIFTEEN: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start(Release::Fifteen, Data::Volatile));
static EIGHTEEN: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start(Release::Eighteen, Data::Volatile));
static POOLER: LazyLock<Pooler> = LazyLock::new(|| Pooler::start(&FIFTEEN));

/// Schemas with tables that nobody uses any longer: it takes a while to make
/// them.
static SCHEMAS: Mutex<Vec<(Release, String)>> = Mutex::new(Vec::new());

/// Empties a schema.
const EMPTY: &str = "DELETE FROM account; DELETE FROM ledger; DELETE FROM task; DELETE FROM idempotency_key; \
     DELETE FROM concept; DELETE FROM tombstone; DELETE FROM session; \
     DELETE FROM last_round; DELETE FROM leader_lease; DELETE FROM secret; DELETE FROM upload_reservation; \
     DELETE FROM queue_pause; DELETE FROM audit_entry; DELETE FROM job; DELETE FROM deadline; \
     DELETE FROM last_claim";

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

    /// The first column of the first row that a query of its tables answers.
    pub fn query(&self, sql: &str) -> String {
        server(self.release).query(&format!("SET search_path = {}; {sql}", self.name))
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

/// A server, and the way to it.
pub trait Server: Send + Sync + 'static {
    const RELEASE: Release = Release::Fifteen;
    /// Behind PgBouncer, with an address without it to hear from other hosts.
    const IS_POOLED: bool = false;
    /// The default of its transactions, as the URL says it.
    const ISOLATION: Option<&str> = None;
    const HISTORIES: u32 = 10;
}

pub struct OfFifteen;

pub struct OfEighteen;

pub struct OfPooler;

/// Whose default is not what Postgres comes with.
pub struct OfRepeatableRead;

pub struct OfSerializable;

impl Server for OfFifteen {
    const HISTORIES: u32 = 40;
}

impl Server for OfEighteen {
    const RELEASE: Release = Release::Eighteen;
}

impl Server for OfPooler {
    const IS_POOLED: bool = true;
}

impl Server for OfRepeatableRead {
    const ISOLATION: Option<&str> = Some("repeatable%5C%20read");
}

impl Server for OfSerializable {
    const ISOLATION: Option<&str> = Some("serializable");
}

pub type Fifteen = OnServer<OfFifteen>;
pub type Eighteen = OnServer<OfEighteen>;
pub type Pooled = OnServer<OfPooler>;

/// A store on a schema that no other has.
pub struct OnServer<S> {
    pub store: Arc<PostgresTasks>,
    schema: Arc<Schema>,
    server: PhantomData<S>,
}

impl<S: Server> OnServer<S> {
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> Self {
        Self::open_on(Arc::new(Schema::new(S::RELEASE)), options, clock)
    }

    /// A store of another host.
    pub fn open_on(schema: Arc<Schema>, options: Options, clock: Arc<dyn Clock>) -> Self {
        let (url, listen) = match S::IS_POOLED {
            true => (POOLER.url(&schema.name), Some(schema.url())),
            false => (schema.url(), None),
        };
        let url = match S::ISOLATION {
            Some(default) => {
                format!("{url}&options=-c%20default_transaction_isolation%3D{default}")
            }
            None => url,
        };
        Self {
            store: open_with(&url, listen.as_deref(), options, clock),
            schema,
            server: PhantomData,
        }
    }

    /// What keeps others away from its schema.
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }
}

impl<S: Server> TaskBackend for OnServer<S> {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        Self::open(rules.options(), clock)
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        self.store.clone()
    }
}

impl<S: Server> Operated for OnServer<S> {
    type Engine = PostgresTasks;

    fn engine(&self) -> Arc<PostgresTasks> {
        self.store.clone()
    }
}

impl<S: Server> Joined for OnServer<S> {
    fn join(&self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        Self::open_on(self.schema(), rules.options(), clock)
    }
}

impl<S: Server> Compared for OnServer<S> {
    const HISTORIES: u32 = S::HISTORIES;
    const IS_HOSTS: bool = true;
}

/// On a connection of ours, `listen` elsewhere.
pub fn open(
    url: &str,
    listen: Option<&str>,
    rules: Rules,
    clock: Arc<dyn Clock>,
) -> Arc<PostgresTasks> {
    open_with(url, listen, rules.options(), clock)
}

fn open_with(
    url: &str,
    listen: Option<&str>,
    options: Options,
    clock: Arc<dyn Clock>,
) -> Arc<PostgresTasks> {
    let parse = |url: &str| Settings::parse(url, &|_| None).unwrap();
    let (settings, listen) = (parse(url), listen.map(parse));
    let opened = PostgresTasks::open_by(&settings, listen.as_ref(), options, clock);
    block_in_place(|| Handle::current().block_on(opened)).unwrap()
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

impl Operated for Killed {
    type Engine = PostgresTasks;

    fn engine(&self) -> Arc<PostgresTasks> {
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
