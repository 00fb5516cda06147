//! Connections to the database, and statements on them.
//!
//! Each statement is sent unnamed, with the types of its parameters, in one
//! packet: one round trip, and safe behind poolers that hand a connection to
//! somebody else after each transaction. Nothing here relies on the state of a
//! session.
//!
//! Each call has a deadline of ours. A connection that missed one is thrown away,
//! since nobody knows what it would answer next.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::Object;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row};

use super::dialer::{Dialed, Dialer};
use super::fair_permits::FairPermit;
use super::fault::Fault;
use super::pools::Pools;
use super::settings::{Location, Settings};
use super::values::Parameter;

/// How long a call may take, with the wait for a connection and all its round
/// trips.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// The same for what reads the whole store.
pub(super) const SCAN_DEADLINE: Duration = Duration::from_secs(20);

/// In our statements, where the schema is put in.
const SCHEMA: &str = "schema.";

/// A database and the connections to it.
pub struct Database {
    pools: Pools,
    dialer: Arc<Dialer>,
    runtime: Handle,
    location: Location,
    /// As it is written in a statement, with the dot.
    quoted: String,
    schema: String,
    size: usize,
    /// What has been found out about it so far, or why nothing was.
    readiness: Mutex<Result<(), String>>,
    is_ready: AtomicBool,
    /// By which this host is known to others.
    host: OnceLock<String>,
}

impl Database {
    /// Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// What of the settings cannot be used, as a sentence.
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let dialer = Arc::new(Dialer::new(settings)?);
        let runtime = Handle::current();
        let pools = Pools::new(&dialer, settings.pool, &runtime);
        Ok(Self {
            pools: pools.map_err(|error| error.to_string())?,
            dialer,
            runtime,
            location: settings.location.clone(),
            quoted: format!("\"{}\".", settings.schema),
            schema: settings.schema.clone(),
            size: settings.pool,
            readiness: Mutex::new(Err("it was not reached yet".to_owned())),
            is_ready: AtomicBool::new(false),
            host: OnceLock::new(),
        })
    }

    /// The name of this host among those on the database. Empty: it was not
    /// reached yet.
    pub(super) fn host(&self) -> &str {
        self.host.get().map_or("", String::as_str)
    }

    /// Gives it the name that the database drew.
    pub(super) fn name_host(&self, name: String) {
        // Another try may have been quicker.
        let _ = self.host.set(name);
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// The runtime that outlives the first caller.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Most connections at once, besides the one that listens.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// From now on [`Database::session`] gives connections, or says why not.
    pub(super) fn set_ready(&self, readiness: Result<(), String>) {
        self.is_ready.store(readiness.is_ok(), Ordering::Release);
        *self.readiness.lock() = readiness;
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }

    /// A connection for one call, as soon as there is one.
    pub(super) async fn session(&self) -> Result<Session<'_>, Fault> {
        self.session_within(DEADLINE).await
    }

    pub(super) async fn session_within(&self, time: Duration) -> Result<Session<'_>, Fault> {
        self.session_until(Instant::now() + time).await
    }

    /// For what is left of a call.
    pub(super) async fn session_until(&self, deadline: Instant) -> Result<Session<'_>, Fault> {
        self.check_ready()?;
        self.connect(None, deadline).await
    }

    /// For a call of a user, as soon as a connection of the user's share is free.
    pub(super) async fn session_of(&self, user: &str) -> Result<Session<'_>, Fault> {
        self.session_of_until(user, Instant::now() + DEADLINE).await
    }

    pub(super) async fn session_of_until(
        &self,
        user: &str,
        deadline: Instant,
    ) -> Result<Session<'_>, Fault> {
        self.check_ready()?;
        self.connect(Some(user), deadline).await
    }

    /// Of a store that is not ready.
    pub(super) async fn unready_session(&self, time: Duration) -> Result<Session<'_>, Fault> {
        self.connect(None, Instant::now() + time).await
    }

    fn check_ready(&self) -> Result<(), Fault> {
        if self.is_ready() {
            return Ok(());
        }
        self.readiness.lock().clone().map_err(Fault::NotReady)
    }

    async fn connect(&self, user: Option<&str>, deadline: Instant) -> Result<Session<'_>, Fault> {
        use deadpool_postgres::PoolError;
        let wait = deadline.min(Instant::now() + DEADLINE);
        let own = self.pools.own();
        let permit = match user {
            Some(user) => Some(own.permits.take(user, wait).await?),
            None => None,
        };
        let connection = match timeout_at(wait, own.pool.get()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(PoolError::Backend(error))) => return Err(error.into()),
            Ok(Err(error)) => return Err(Fault::NotReady(error.to_string())),
            Err(_) if own.is_busy() => return Err(Fault::Busy),
            Err(_) => return Err(Fault::Timeout),
        };
        Ok(Session {
            database: self,
            connection: Some(connection),
            deadline,
            under_way: AtomicUsize::new(0),
            in_transaction: AtomicBool::new(false),
            is_outdated: AtomicBool::new(false),
            _permit: permit,
        })
    }

    /// A connection outside of the pool.
    pub(super) async fn dial(&self) -> Result<(Client, Dialed), Error> {
        self.dialer.dial().await
    }

    /// A key for an advisory lock: those are of the whole database, so that the
    /// schema is a part of it.
    pub(super) fn lock_key(&self, purpose: &str) -> i64 {
        let hash = Sha256::new()
            .chain_update(&self.schema)
            .chain_update([0])
            .chain_update(purpose)
            .finalize();
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(hash) {
            *to = from;
        }
        i64::from_be_bytes(bytes)
    }

    /// A statement with the schema in it.
    pub(super) fn statement(&self, sql: &str) -> String {
        sql.replace(SCHEMA, &self.quoted)
    }
}

/// A connection, for the time of one call.
pub(super) struct Session<'a> {
    database: &'a Database,
    /// None once it was thrown away.
    connection: Option<Object>,
    deadline: Instant,
    /// Statements that were sent and not answered yet.
    under_way: AtomicUsize,
    in_transaction: AtomicBool,
    /// It leads to a server that can only be read.
    is_outdated: AtomicBool,
    /// Of the user that it is for.
    _permit: Option<FairPermit>,
}

impl Session<'_> {
    /// The rows that a statement answers. Statements that are awaited together
    /// are sent together.
    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let sql = self.database.statement(sql);
        self.run(|client| client.query_typed(&sql, parameters))
            .await
    }

    /// The only row, if there is one.
    pub(super) async fn query_opt(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Whether a function of the schema says yes.
    pub(super) async fn ask(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<bool, Fault> {
        let row = self.query_opt(sql, parameters).await?;
        Ok(row.map_or(Ok(false), |row| row.try_get(0))?)
    }

    /// How many rows a statement wrote.
    pub(super) async fn execute(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, Fault> {
        let sql = self.database.statement(sql);
        self.run(|client| client.execute_typed(&sql, parameters))
            .await
    }

    /// Runs statements without parameters and answers.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Fault> {
        let sql = self.database.statement(sql);
        self.run(|client| client.batch_execute(&sql)).await
    }

    /// Begins a transaction, which is undone unless it is committed. With a lock
    /// that is held until then, if one is named.
    pub(super) async fn begin(&self, lock: Option<i64>) -> Result<(), Fault> {
        match lock {
            Some(lock) => {
                // A host that dies with it keeps others out for as long.
                let sql = format!(
                    "SET LOCAL idle_in_transaction_session_timeout = '5s'; \
                     SET LOCAL lock_timeout = '2s'; SELECT pg_advisory_xact_lock({lock})"
                );
                self.begin_with(&sql).await
            }
            None => self.begin_with("").await,
        }
    }

    /// The same with additional settings. Each statement sees what is committed by then,
    /// whatever the database's default: otherwise a read under a lock would see the state
    /// from before the wait.
    pub(super) async fn begin_with(&self, settings: &str) -> Result<(), Fault> {
        self.in_transaction.store(true, Ordering::Relaxed);
        self.batch(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; {settings}"))
            .await
    }

    /// Writes in a transaction of its own, by a commit that waits for no disk: what
    /// may be lost.
    pub(super) async fn execute_volatile(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(), Fault> {
        futures::try_join!(
            self.begin_with("SET LOCAL synchronous_commit = off"),
            self.execute(sql, parameters),
            self.commit(),
        )?;
        Ok(())
    }

    pub(super) async fn commit(&self) -> Result<(), Fault> {
        self.batch("COMMIT").await?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn roll_back(&self) -> Result<(), Fault> {
        self.batch("ROLLBACK").await?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// What is sent outside of a transaction is one of its own, by the database's
    /// default. Where somebody else was quicker, and it sees only what was before,
    /// nothing was written, and it is sent again.
    async fn run<'s, T, F>(&'s self, send: impl Fn(&'s Client) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            let answer = self.run_once(&send).await;
            let is_stale = |fault: &Fault| fault.is(&SqlState::T_R_SERIALIZATION_FAILURE);
            let is_whole = !self.in_transaction.load(Ordering::Relaxed);
            if !(is_whole && answer.as_ref().is_err_and(is_stale)) {
                return answer;
            }
        }
    }

    async fn run_once<'s, T, F>(&'s self, send: impl Fn(&'s Client) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let Some(connection) = &self.connection else {
            return Err(Fault::Timeout);
        };
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let answer = timeout_at(self.deadline, send(connection)).await;
        let answer = answer.map_err(|_| Fault::Timeout)?;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let answer = answer.map_err(Fault::from);
        if answer.as_ref().is_err_and(Fault::is_read_only) {
            // Another server was promoted: all connections must go there.
            self.is_outdated.store(true, Ordering::Relaxed);
            self.database.pools.clear();
        }
        answer
    }
}

impl Drop for Session<'_> {
    /// A connection that nobody waits for any longer is made ready for the next
    /// one, if that goes quickly.
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if self.is_outdated.load(Ordering::Relaxed) {
            drop(Object::take(connection));
            return;
        }
        let is_clean = self.under_way.load(Ordering::Relaxed) == 0
            && !self.in_transaction.load(Ordering::Relaxed);
        if is_clean {
            return;
        }
        let deadline = self.deadline;
        let is_late = deadline <= Instant::now();
        self.database.runtime.spawn(async move {
            let cleaned = timeout_at(deadline, connection.batch_execute("ROLLBACK")).await;
            if is_late || !matches!(cleaned, Ok(Ok(()))) {
                drop(Object::take(connection));
            }
        });
    }
}
