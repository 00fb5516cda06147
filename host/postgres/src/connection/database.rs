//! Connections to the database, and statements on them.
//!
//! Each statement is sent unnamed, along with the types of its parameters, in one packet:
//! one round trip, and safe behind poolers that switch connections after each
//! transaction. Nothing here relies on session state, except for prepared statements where
//! it is known that there is no such pooler.
//!
//! Each call has a deadline of our own. A connection that missed one is discarded, since
//! its state is unknown.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use concept_refinement_capability::administration::{SEATS, Seat, Seats};
use deadpool_postgres::{ClientWrapper, Object};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

use crate::connection::dialer::Dialer;
use crate::connection::fair_permits::FairPermit;
use crate::connection::fault::Fault;
use crate::connection::pools::Pools;
use crate::connection::settings::Settings;
use crate::connection::values::{Cells, Parameter, parts};

/// Timeout of a call, including the wait for a connection and all its round trips.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// The same for calls that read the whole store.
pub(crate) const SCAN_DEADLINE: Duration = Duration::from_secs(20);

/// Placeholder for the schema in our statements.
const SCHEMA: &str = "schema.";

/// A database and the connections to it.
pub struct Database {
    pools: Pools,
    /// For connections outside of the pools.
    pub(crate) dialer: Dialer,
    pub(crate) settings: Settings,
    /// The schema as an SQL identifier, followed by a dot.
    quoted: String,
    /// At most half of the connections.
    pub(crate) seats: Seats,
    /// Why the store is not ready, if it is not.
    readiness: Mutex<Result<(), String>>,
    /// No pooler switches connections between statements.
    is_direct: AtomicBool,
    /// The name of this host for other hosts.
    host: OnceLock<String>,
}

impl Database {
    /// Does not connect yet.
    ///
    /// # Errors
    ///
    /// Which setting is not usable, as a sentence.
    pub(crate) fn new(settings: &Settings) -> Result<Self, String> {
        let dialer = Dialer::new(settings)?;
        let pools = Pools::new(&dialer, settings.pool);
        Ok(Self {
            pools: pools.map_err(|error| error.to_string())?,
            dialer,
            settings: settings.clone(),
            quoted: format!("\"{}\".", settings.schema),
            seats: Seats::new(SEATS.min(settings.pool / 2).max(1)),
            readiness: Mutex::new(Err("it was not reached yet".to_owned())),
            is_direct: AtomicBool::new(false),
            host: OnceLock::new(),
        })
    }

    /// The name of this host among those of the database. Empty until the database was
    /// reached.
    pub(crate) fn host(&self) -> &str {
        self.host.get().map_or("", String::as_str)
    }

    /// Sets the name, which the database has generated.
    pub(crate) fn name_host(&self, name: String) {
        // Keeps the name if another attempt has set one.
        let _ = self.host.set(name);
    }

    /// From now on, [`Database::session`] gives out connections, or fails with this
    /// reason.
    pub(crate) fn set_ready(&self, readiness: Result<(), String>) {
        *self.readiness.lock() = readiness;
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.readiness.lock().is_ok()
    }

    /// From now on statements may be prepared: the session of a connection lasts as long as
    /// the connection, since it received a notification.
    pub(crate) fn set_direct(&self) {
        self.is_direct.store(true, Ordering::Relaxed);
    }

    /// A connection for one call, as soon as one is free.
    pub(crate) async fn session(&self) -> Result<Session<'_>, Fault> {
        self.session_within(DEADLINE).await
    }

    pub(crate) async fn session_within(&self, time: Duration) -> Result<Session<'_>, Fault> {
        self.session_until(Instant::now() + time).await
    }

    /// For the rest of a call.
    pub(crate) async fn session_until(&self, deadline: Instant) -> Result<Session<'_>, Fault> {
        self.check_ready()?;
        self.connect(None, deadline).await
    }

    /// For a call on behalf of a user, as soon as the user's share allows one more
    /// connection.
    pub(crate) async fn session_of(&self, user: &str) -> Result<Session<'_>, Fault> {
        self.session_of_until(user, Instant::now() + DEADLINE).await
    }

    pub(crate) async fn session_of_until(
        &self,
        user: &str,
        deadline: Instant,
    ) -> Result<Session<'_>, Fault> {
        self.check_ready()?;
        self.connect(Some(user), deadline).await
    }

    /// For reading many tasks. If it is for an operator, the seat is held as long as the
    /// connection is in use.
    pub(crate) async fn session_to_scan(&self, seat: Option<Seat>) -> Result<Session<'_>, Fault> {
        let mut session = self.session_within(SCAN_DEADLINE).await?;
        session.seat = seat;
        Ok(session)
    }

    /// For a store that is not ready.
    pub(crate) async fn unready_session(&self, time: Duration) -> Result<Session<'_>, Fault> {
        self.connect(None, Instant::now() + time).await
    }

    fn check_ready(&self) -> Result<(), Fault> {
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
            permit,
            seat: None,
        })
    }

    /// A key for an advisory lock. Those are visible in the whole database, so it
    /// includes the schema.
    pub(crate) fn lock_key(&self, purpose: &str) -> i64 {
        let hash = Sha256::new()
            .chain_update(&self.settings.schema)
            .chain_update([0])
            .chain_update(purpose)
            .finalize();
        let first = hash.first_chunk().copied();
        i64::from_be_bytes(first.unwrap_or_default())
    }

    /// Puts the schema into a statement.
    pub(crate) fn statement(&self, sql: &str) -> String {
        sql.replace(SCHEMA, &self.quoted)
    }
}

/// A connection for the duration of one call.
pub(crate) struct Session<'a> {
    database: &'a Database,
    /// None once it was discarded.
    connection: Option<Object>,
    deadline: Instant,
    /// Statements that were sent and not answered yet.
    under_way: AtomicUsize,
    in_transaction: AtomicBool,
    /// Set if its server is read-only.
    is_outdated: AtomicBool,
    /// The permit of the user that it is for.
    permit: Option<FairPermit>,
    /// The seat of the operator that it is for.
    seat: Option<Seat>,
}

impl Session<'_> {
    /// Runs a statement and returns its rows. Statements that are awaited concurrently
    /// are pipelined.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let (sql, parameters) = (self.database.statement(sql), parts(parameters));
        self.send(|client| client.query_typed(&sql, &parameters))
            .await
    }

    /// All rows, as `read` reads them.
    pub(crate) async fn all<T>(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(&mut Cells<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let rows = self.query(sql, parameters).await?;
        rows.iter().map(|row| read(&mut Cells::of(row))).collect()
    }

    /// The first row, if there is any.
    pub(crate) async fn find<T>(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(&mut Cells<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let rows = self.query(sql, parameters).await?;
        let first = rows.first().map(|row| read(&mut Cells::of(row)));
        first.transpose()
    }

    /// The first row, which has to exist.
    pub(crate) async fn one<T>(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(&mut Cells<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let found = self.find(sql, parameters, read).await?;
        found.ok_or(Fault::Timeout)
    }

    /// The rows of a frequent read. It is planned once per connection if that is possible,
    /// which halves what it costs the server. The first time it is prepared before it is sent,
    /// so nothing that has to come after it may be sent along with it.
    pub(crate) async fn query_prepared(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Fault> {
        if !self.database.is_direct.load(Ordering::Relaxed) {
            return self.query(sql, parameters).await;
        }
        let statement = self.database.statement(sql);
        let parts = parameters.iter().map(|parameter| parameter.parts());
        let (values, types): (Vec<_>, Vec<_>) = parts.unzip();
        let rows = self.send(async |client| {
            let prepared = client.prepare_typed_cached(&statement, &types).await?;
            client.query(&prepared, &values).await
        });
        match rows.await {
            Err(fault) if fault.is(&SqlState::INVALID_SQL_STATEMENT_NAME) => {
                // There is a pooler since.
                self.database.is_direct.store(false, Ordering::Relaxed);
                self.query(sql, parameters).await
            }
            rows => rows,
        }
    }

    /// The boolean result of a query.
    pub(crate) async fn ask(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<bool, Fault> {
        self.one(sql, parameters, |cells| cells.get()).await
    }

    /// Runs a statement and returns the number of rows written.
    pub(crate) async fn run(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, Fault> {
        let (sql, parameters) = (self.database.statement(sql), parts(parameters));
        self.send(|client| client.execute_typed(&sql, &parameters))
            .await
    }

    /// The same where the number does not matter.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(), Fault> {
        self.run(sql, parameters).await.map(drop)
    }

    /// Runs statements without parameters or results.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), Fault> {
        let sql = self.database.statement(sql);
        self.send(|client| client.batch_execute(&sql)).await
    }

    /// Begins a transaction, which is rolled back unless it is committed. If a lock is
    /// given, it is held until then.
    pub(crate) async fn begin(&self, lock: Option<i64>) -> Result<(), Fault> {
        match lock {
            Some(lock) => {
                // Limits how long a host that dies with the lock blocks others.
                let sql = format!(
                    "SET LOCAL idle_in_transaction_session_timeout = '5s'; \
                     SET LOCAL lock_timeout = '2s'; SELECT pg_advisory_xact_lock({lock})"
                );
                self.begin_with(&sql).await
            }
            None => self.begin_with("").await,
        }
    }

    /// The same with additional settings. The isolation level is read committed, whatever
    /// the database's default: otherwise a read under the lock would see the state from
    /// before the wait for it.
    pub(crate) async fn begin_with(&self, settings: &str) -> Result<(), Fault> {
        self.in_transaction.store(true, Ordering::Relaxed);
        self.batch(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; {settings}"))
            .await
    }

    /// Writes in its own transaction, whose commit does not wait for the disk: for data
    /// that may be lost.
    pub(crate) async fn execute_volatile(
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

    pub(crate) async fn commit(&self) -> Result<(), Fault> {
        self.batch("COMMIT").await?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) async fn roll_back(&self) -> Result<(), Fault> {
        self.batch("ROLLBACK").await?;
        self.in_transaction.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Outside of a transaction, a statement runs with the database's default isolation
    /// level. With a strict level it fails if another transaction was faster; then
    /// nothing was written, and it is sent again.
    async fn send<'s, T, F>(&'s self, send: impl Fn(&'s ClientWrapper) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            let answer = self.try_send(&send).await;
            let is_stale = |fault: &Fault| fault.is(&SqlState::T_R_SERIALIZATION_FAILURE);
            let is_whole = !self.in_transaction.load(Ordering::Relaxed);
            if !(is_whole && answer.as_ref().is_err_and(is_stale)) {
                return answer;
            }
        }
    }

    async fn try_send<'s, T, F>(&'s self, send: impl Fn(&'s ClientWrapper) -> F) -> Result<T, Fault>
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
            // Another server was promoted to primary: all connections have to be made
            // again.
            self.is_outdated.store(true, Ordering::Relaxed);
            self.database.pools.clear();
        }
        answer
    }
}

impl Drop for Session<'_> {
    /// Resets a connection whose call was dropped so that it can be reused, if that is
    /// quick.
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
        // The dropped call still uses the connection.
        let permits = (self.permit.take(), self.seat.take());
        self.database.dialer.runtime.spawn(async move {
            let _permits = permits;
            let cleaned = timeout_at(deadline, connection.batch_execute("ROLLBACK")).await;
            if is_late || !matches!(cleaned, Ok(Ok(()))) {
                drop(Object::take(connection));
            }
        });
    }
}
