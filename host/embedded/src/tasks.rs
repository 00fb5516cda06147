//! Tasks and concepts in one SQLite file, for one process.
//!
//! One thread writes, and async code waits for it. Reads for users run on the calling
//! thread, since they touch only a few pages; scans of the whole store do not. The rules
//! come from the domain; each operation is one savepoint of a transaction. A result is
//! returned after the commit is on the disk.

mod administration;
mod backup;
mod change;
mod checkpoint;
mod claim_order;
mod concepts;
mod damage;
mod deadlines;
mod delete;
mod effects;
pub mod engine;
mod erasure;
mod expiry;
mod fault;
mod keys;
mod ledger;
mod moving;
mod readers;
mod reads;
mod references;
mod retry;
mod rounds;
mod rows;
mod schema;
mod sessions;
mod storage;
mod stored;
mod submit;
mod sweep;
mod tally;
mod upload_reservations;
mod usage;
mod webhooks;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use concept_refinement_capability::administration::{SEATS, Seat, Seats};
use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::cores;
use concept_refinement_capability::directory::{self, DirectoryLock, NamedFile};
use concept_refinement_capability::storage::Storage as _;
use concept_refinement_capability::tasks::hub::Hub;
use concept_refinement_capability::tasks::{Changes, Expired, Maintenance, Tally, Tasks};
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
use rusqlite::Connection;

use crate::queue::MAX_TURNS;
use crate::sqlite::{self, connection, names, open_error};
use damage::Damage;
use fault::Fault;
use readers::Readers;
use schema::SCHEMA;
use writer::{Tx, Writer};

pub use concept_refinement_capability::tasks::Options;

/// In the data directory.
const FILE: &str = "tasks.sqlite";
const LOCK: &str = "tasks.lock";

/// Limit of connections that read for users: enough for a few cores.
const MAX_READERS: usize = 4;

/// Dropping it waits for operations in progress and unlocks the directory.
pub struct SqliteTasks {
    options: Options,
    clock: Arc<dyn Clock>,
    file: PathBuf,
    damage: Arc<Damage>,
    hub: Arc<Hub>,
    seats: Seats,
    /// The users who had a task claimed last before the store was opened, the latest at the
    /// end.
    last_claims: Vec<String>,
    /// None: reads use the writer's connection.
    readers: Option<Readers>,
    /// Dropped after the readers, so that it closes the file last.
    writer: Writer,
    /// Dropped after the writer, so that no other process opens the file too early.
    _lock: Option<DirectoryLock>,
}

impl SqliteTasks {
    /// Opens the store of a data directory, which is created if needed and
    /// locked until this is dropped. Blocks the thread.
    pub fn open(
        directory: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(directory, LOCK)?;
        let file = directory.join(FILE);
        let engine = |error| open_error(&file, error);
        let system = |error: io::Error| OpenError::unusable(&file, error);

        let main = names::create(&file).map_err(system)?;
        sqlite::schema::refuse_unknown(&file, &SCHEMA)?;
        let mut connection = connection::writer(&file).map_err(engine)?;
        sqlite::glance(&connection).map_err(engine)?;
        sqlite::schema::prepare(&mut connection, &SCHEMA, Some(directory))
            .map_err(|error| error.into_open_error(&file))?;
        let active = tally::active(&connection).map_err(engine)?;
        options.room.take_over_tasks(active);
        upload_reservations::take_over(&connection, &options.room).map_err(engine)?;
        let last_claims = claim_order::users(&connection, MAX_TURNS).map_err(engine)?;
        let damage = Arc::<Damage>::default();
        let readers = cores::count().min(MAX_READERS);
        let readers = Readers::open(readers, Arc::clone(&damage), || connection::reader(&file));
        let readers = readers.map_err(engine)?;
        let log = names::log_of(&file).map_err(system)?;
        let files = [main].into_iter().chain(log).collect();
        // The names of new files have to be durable too.
        directory::sync(directory).map_err(system)?;
        let store = Self::on(&file, connection, files, options, clock, damage);
        let mut store = store.map_err(system)?;
        store.last_claims = last_claims;
        store.readers = Some(readers);
        store._lock = Some(lock);
        Ok(store)
    }

    /// A store in memory, which is lost when it is dropped.
    pub fn in_memory(options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let place = Path::new("the memory");
        let engine = |error| OpenError::unusable(place, error);
        let mut connection = connection::in_memory().map_err(engine)?;
        sqlite::schema::prepare(&mut connection, &SCHEMA, None)
            .map_err(|error| OpenError::unusable(place, error))?;
        let damage = Arc::default();
        let store = Self::on(place, connection, vec![], options, clock, damage);
        store.map_err(|error| OpenError::unusable(place, error))
    }

    /// A store without readers.
    fn on(
        file: &Path,
        connection: Connection,
        files: Vec<NamedFile>,
        options: Options,
        clock: Arc<dyn Clock>,
        damage: Arc<Damage>,
    ) -> io::Result<Self> {
        let hub = Arc::<Hub>::default();
        Ok(Self {
            writer: Writer::start(
                connection,
                files,
                Arc::clone(&clock),
                hub.clone(),
                damage.clone(),
                &options,
            )?,
            options,
            clock,
            file: file.to_owned(),
            readers: None,
            damage,
            hub,
            seats: Seats::new(SEATS),
            last_claims: Vec::new(),
            _lock: None,
        })
    }

    /// Fails if damage was found since the store was opened. Checked at startup, before
    /// the service makes any promise.
    pub fn check_damage(&self) -> Result<(), OpenError> {
        if self.damage.is_detected() {
            return Err(OpenError::Damaged(self.file.clone()));
        }
        Ok(())
    }

    /// For queries whose cost does not grow with the store.
    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        match &self.readers {
            Some(readers) => Box::pin(readers.read(query)),
            None => self.write(|tx| query(tx.connection)),
        }
    }

    /// For the host's own queries whose cost grows with the store.
    fn scan<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        self.scan_for(None, query)
    }

    /// The same for an operator, if a seat is given, which is kept until the query has ended.
    fn scan_for<T: Send + 'static>(
        &self,
        seat: Option<Seat>,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        match &self.readers {
            Some(readers) => Box::pin(readers.scan(seat, query)),
            None => self.write(move |tx| {
                let _seat = seat;
                query(tx.connection)
            }),
        }
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.writer.write(work))
    }
}

impl Drop for SqliteTasks {
    fn drop(&mut self) {
        self.hub.close();
    }
}

impl Tasks for SqliteTasks {
    fn renew_session<'a>(
        &'a self,
        user_id: &'a str,
        until: Timestamp,
        owns_images: bool,
    ) -> Answer<'a, ()> {
        let user_id = user_id.to_owned();
        self.write(move |tx| sessions::renew(tx, &user_id, until, owns_images))
    }

    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        self.write(move |tx| submit::submit(tx, task))
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        self.apply(Operation::withdraw(id, error_message))
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        self.read(move |connection| reads::get(connection, Some(&user_id), &id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        let user_id = user_id.to_owned();
        self.read(move |connection| reads::list(connection, &user_id, status, limit, after))
    }

    fn used<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, u32> {
        let (pseudonym, now) = (self.options.pseudonyms.of(user_id), self.clock.now());
        self.read(move |connection| Ok(usage::of(connection, &pseudonym)?.used(window, now)))
    }

    fn spending<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, Spending> {
        let (pseudonym, now) = (self.options.pseudonyms.of(user_id), self.clock.now());
        self.read(move |connection| ledger::within(connection, &pseudonym, window, now))
    }

    fn cancel<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Cancellation>> {
        self.apply(Operation::cancel(user_id, id))
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, bool> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        self.write(move |tx| delete::delete(tx, &id, Some(&user_id)))
    }

    fn erase_user<'a>(&'a self, user_id: &'a str, limit: u32) -> Answer<'a, Erased> {
        let user_id = user_id.to_owned();
        self.write(move |tx| erasure::erase(tx, &user_id, limit))
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        Box::pin(async move {
            let subscription = self.hub.subscribe(id);
            let found = self.record(Some(user_id), id).await?;
            Ok(found.map(|record| subscription.changes_after(record.revision, record.task)))
        })
    }
}

impl Maintenance for SqliteTasks {
    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>> {
        self.write(move |tx| sweep::due(tx, limit))
    }

    fn miss_deadlines(&self, limit: u32) -> Answer<'_, u32> {
        self.write(move |tx| deadlines::miss(tx, limit))
    }

    fn next_deadline(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(deadlines::next)
    }

    fn claim_order(&self, limit: u32) -> Answer<'_, Vec<String>> {
        let now = self.clock.now();
        self.scan(move |connection| claim_order::pending(connection, now, limit))
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(sweep::next_due)
    }

    fn recover(&self, are_messages_lost: bool) -> Answer<'_, u32> {
        self.write(move |tx| sweep::recover(tx, are_messages_lost))
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        self.scan(move |connection| references::unreferenced(connection, image_paths))
    }

    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.write(move |tx| expiry::expire(tx, before, limit))
    }

    fn abandon(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.write(move |tx| expiry::abandon(tx, before, limit))
    }

    fn without_session(&self, users: Vec<String>, before: Timestamp) -> Answer<'_, Vec<String>> {
        self.scan(move |connection| sessions::without(connection, users, before))
    }

    fn last_round(&self) -> Answer<'_, Option<LastRound>> {
        self.read(rounds::last)
    }

    fn remember_round(&self, round: LastRound) -> Answer<'_, ()> {
        self.write(move |tx| rounds::remember(tx, round))
    }

    fn tally(&self) -> Answer<'_, Tally> {
        Box::pin(async move {
            let tally = self.scan(tally::count).await?;
            Ok(self.hub.with_counts(tally))
        })
    }

    /// Writes, since reading also works on a full disk, and after the file has lost its
    /// name.
    fn check(&self) -> Answer<'_, ()> {
        self.write(|tx| Ok(schema::write_probe(tx.connection)?))
    }
}

impl Concepts for SqliteTasks {
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        self.read(move |connection| concepts::get(connection, &user_id, &id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        let user_id = user_id.to_owned();
        self.read(move |connection| concepts::list(connection, &user_id, limit, after))
    }

    fn children<'a>(
        &'a self,
        user_id: &'a str,
        id: &'a str,
        limit: u32,
    ) -> Answer<'a, Vec<Concept>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        self.read(move |connection| concepts::children(connection, &user_id, &id, limit))
    }

    fn find_image<'a>(&'a self, sha256: &'a str) -> Answer<'a, Option<Timestamp>> {
        let sha256 = sha256.to_owned();
        self.read(move |connection| concepts::find_image(connection, &sha256))
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        self.write(move |tx| concepts::delete(tx, &user_id, &id))
    }
}

#[cfg(test)]
mod tests;
