//! Tasks and concepts in a Postgres database that any number of hosts share.
//!
//! The rules come from the domain. Each operation loads a row, applies a rule, and writes
//! by a compare-and-swap, in at most two round trips. Everything answered is committed.
//! No host owns the store: starting or stopping one must not affect the work of others,
//! and nothing relies on a machine's clock.

mod admin;
mod changes;
mod connection;
pub mod engine;
mod queue;
mod storage;
mod tasks;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::migration::VersionError;
use concept_refinement_capability::storage::Storage as _;
use concept_refinement_capability::tasks::hub::Hub;
use concept_refinement_capability::tasks::{
    Changes as TaskChanges, Expired, Maintenance, Options, Tally, Tasks,
};
use concept_refinement_capability::{Answer, Clock, OpenError};
use concept_refinement_domain::capability::{
    Cancellation, ConceptPage, Erased, Fenced, NewTask, Position, Submission, TaskPage,
};
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::Operation;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use parking_lot::Mutex;
use tokio_util::task::AbortOnDropHandle;

use changes::promises::Promises;
use changes::{Changes, Subscription};
use connection::clock::DatabaseClock;
use connection::database::Database;
use connection::fair_permits::FairPermits;
use connection::fault::Fault;
use connection::group_commit::GroupCommit;
use connection::sessions;
use tasks::backlog::Backlog;
use tasks::recent::Recent;

pub use connection::inspect::inspect;
pub use connection::settings::{Environment, Settings};
pub use queue::SharedQueue;

/// A task store in Postgres, as one host sees it.
pub struct PostgresTasks {
    database: Arc<Database>,
    commits: Arc<GroupCommit>,
    clock: Arc<dyn Clock>,
    options: Options,
    hub: Arc<Hub>,
    promises: Arc<Promises>,
    backlog: Backlog,
    recent: Arc<Recent>,
    changes: Changes,
    /// Limits the calls that wait for the lock of the backlog, and for that of all
    /// images, so that waiting calls do not occupy connections.
    alone_with_backlog: Arc<FairPermits>,
    alone_with_images: Arc<FairPermits>,
    /// Number of times the total of all images was queried, and the latest of them whose
    /// result was used.
    total_turn: AtomicU64,
    last_reported: Mutex<u64>,
    _readiness: AbortOnDropHandle<()>,
}

impl PostgresTasks {
    /// Opens a store, and creates or upgrades its tables. `listen`: the same
    /// database by an address without a pooler, to receive notifications of other hosts.
    /// If the database cannot be reached, the store is opened anyway: each call fails
    /// until it can. It goes by the database's time, and by that of the `machine` before it
    /// knows it.
    ///
    /// # Errors
    ///
    /// The database refuses, and trying again will not help.
    pub async fn open(
        settings: &Settings,
        listen: Option<&Settings>,
        options: Options,
        machine: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, OpenError> {
        let measured = Arc::new(DatabaseClock::new(machine));
        let clock = Arc::clone(&measured) as _;
        Self::open_with(settings, listen, options, clock, &measured).await
    }

    /// The same with another clock than the database's, for tests.
    ///
    /// # Errors
    ///
    /// Those of [`PostgresTasks::open`].
    pub async fn open_by(
        settings: &Settings,
        listen: Option<&Settings>,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, OpenError> {
        let measured = Arc::new(DatabaseClock::new(Arc::clone(&clock)));
        Self::open_with(settings, listen, options, clock, &measured).await
    }

    async fn open_with(
        settings: &Settings,
        listen: Option<&Settings>,
        options: Options,
        clock: Arc<dyn Clock>,
        measured: &Arc<DatabaseClock>,
    ) -> Result<Arc<Self>, OpenError> {
        let unusable = |reason: String| OpenError::server(&settings.location, reason);
        let database = Arc::new(Database::new(settings).map_err(unusable)?);
        let source = match listen {
            Some(listen) => Arc::new(Database::new(listen).map_err(unusable)?),
            None => Arc::clone(&database),
        };
        let readiness = connection::readiness::begin(&database, measured).await?;
        let hub = Arc::<Hub>::default();
        let recent = Arc::<Recent>::default();
        let promises = Arc::new(Promises::of(Arc::clone(&options.room)));
        let subscription = Subscription {
            hub: Arc::clone(&hub),
            promises: Arc::clone(&promises),
            recent: Arc::clone(&recent),
            source,
        };
        Ok(Arc::new(Self {
            changes: Changes::start(Arc::clone(&database), subscription),
            commits: Arc::new(GroupCommit::new(Arc::clone(&database))),
            database,
            clock,
            options,
            hub,
            promises,
            backlog: Backlog::default(),
            recent,
            alone_with_backlog: FairPermits::new(1),
            alone_with_images: FairPermits::new(1),
            total_turn: AtomicU64::default(),
            last_reported: Mutex::default(),
            _readiness: readiness,
        }))
    }

    /// The queue inside this store.
    pub fn queue(self: &Arc<Self>) -> SharedQueue {
        SharedQueue::start(Arc::clone(self))
    }

    /// How many claims are remembered that are not known to have ended, for tests.
    pub fn claims(&self) -> usize {
        self.hub.claims()
    }

    fn answer<'a, T: 'a>(
        &self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move { work.await.map_err(Fault::report) })
    }
}

impl Drop for PostgresTasks {
    fn drop(&mut self) {
        self.hub.close();
    }
}

impl Tasks for PostgresTasks {
    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        self.answer(tasks::submit::submit(self, task))
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        self.apply(Operation::withdraw(id, error_message))
    }

    fn renew_session<'a>(
        &'a self,
        user_id: &'a str,
        until: Timestamp,
        owns_images: bool,
    ) -> Answer<'a, ()> {
        self.answer(sessions::renew(self, user_id, until, owns_images))
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        self.answer(async move {
            let record = tasks::reads::get(self, Some(user_id), id).await?;
            Ok(record.map(|record| record.task))
        })
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        self.answer(tasks::reads::list(self, user_id, status, limit, after))
    }

    fn used<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, u32> {
        self.answer(tasks::reads::used(self, user_id, window))
    }

    fn spending<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, Spending> {
        self.answer(tasks::ledger::within(self, user_id, window))
    }

    fn cancel<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Cancellation>> {
        self.apply(Operation::cancel(user_id, id))
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, bool> {
        self.answer(async move {
            let session = self.database.session_of(user_id).await?;
            let now = self.clock.now();
            let begun = session.begin(None);
            let deleted = tasks::delete::delete(self, &session, id, Some(user_id), now);
            let (_, is_deleted) = futures::try_join!(begun, deleted)?;
            session.commit().await?;
            if is_deleted {
                self.announce_deletion(id);
            }
            Ok(is_deleted)
        })
    }

    fn erase_user<'a>(&'a self, user_id: &'a str, limit: u32) -> Answer<'a, Erased> {
        self.answer(tasks::erasure::erase(self, user_id, limit))
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<TaskChanges>> {
        self.answer(async move {
            let subscription = self.hub.subscribe(id);
            let found = tasks::reads::get(self, Some(user_id), id).await?;
            Ok(found.map(|record| subscription.changes_after(record.revision, record.task)))
        })
    }
}

impl Maintenance for PostgresTasks {
    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>> {
        self.answer(tasks::sweep::due(self, limit))
    }

    fn miss_deadlines(&self, limit: u32) -> Answer<'_, u32> {
        self.answer(tasks::deadlines::miss(self, limit))
    }

    fn next_deadline(&self) -> Answer<'_, Option<Timestamp>> {
        self.answer(tasks::deadlines::next(self))
    }

    fn claim_order(&self, limit: u32) -> Answer<'_, Vec<String>> {
        self.answer(tasks::claim_order::pending(self, limit))
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.answer(tasks::sweep::next_due(self))
    }

    fn recover(&self, are_messages_lost: bool) -> Answer<'_, u32> {
        self.answer(tasks::sweep::recover(self, are_messages_lost))
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        self.answer(tasks::references::unreferenced(self, image_paths))
    }

    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.answer(tasks::expiry::expire(self, before, limit))
    }

    fn abandon(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.answer(tasks::expiry::abandon(self, before, limit))
    }

    fn without_session(&self, users: Vec<String>, before: Timestamp) -> Answer<'_, Vec<String>> {
        self.answer(sessions::without(self, users, before))
    }

    fn last_round(&self) -> Answer<'_, Option<LastRound>> {
        self.answer(connection::rounds::last(self))
    }

    fn remember_round(&self, round: LastRound) -> Answer<'_, ()> {
        self.answer(connection::rounds::remember(self, round))
    }

    fn tally(&self) -> Answer<'_, Tally> {
        self.answer(tasks::tally::count(self))
    }

    /// Writes, since reading also works on a standby. From the first look at tables of a later
    /// version on, every call fails.
    fn check(&self) -> Answer<'_, ()> {
        self.answer(async move {
            let session = self.database.session().await?;
            let checked = connection::schema::check(&session).await;
            if let Err(fault @ Fault::Version(VersionError::Later)) = &checked {
                // Other statements may not fail on these tables, but would not keep to them.
                self.database.set_ready(Err(fault.to_string()));
            }
            checked
        })
    }
}

impl Concepts for PostgresTasks {
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        self.answer(tasks::concepts::get(self, user_id, id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        self.answer(tasks::concepts::list(self, user_id, limit, after))
    }

    fn children<'a>(
        &'a self,
        user_id: &'a str,
        id: &'a str,
        limit: u32,
    ) -> Answer<'a, Vec<Concept>> {
        self.answer(tasks::concepts::children(self, user_id, id, limit))
    }

    fn find_image<'a>(&'a self, sha256: &'a str) -> Answer<'a, Option<Timestamp>> {
        self.answer(tasks::concepts::find_image(self, sha256))
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        self.answer(tasks::concepts::delete(self, user_id, id))
    }
}
