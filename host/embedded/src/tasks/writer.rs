//! The writing thread. It runs each operation of a group in its own savepoint: one that
//! fails leaves no trace and does not affect the others.

use std::sync::Arc;

use concept_refinement_capability::Clock;
use concept_refinement_capability::directory::NamedFile;
use concept_refinement_capability::tasks::Options;
use concept_refinement_capability::tasks::hub::Hub;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Params, params};
use tokio::sync::oneshot;

use super::checkpoint::LogLimit;
use super::damage::Damage;
use super::effects::Effects;
use super::fault::{Fault, unavailable};
use super::stored::Stored;
use crate::sqlite::statements;
use crate::sqlite::transaction::transaction;
use crate::sqlite::{Committer, GroupCommit, connection};

/// Capacity of the queue; further callers wait to enter it.
const QUEUE_CAPACITY: usize = 1024;

/// Outdated rows of a table that are removed with each new one; more than one, so that they do
/// not accumulate.
const PRUNE_BATCH: u32 = 8;

/// A transaction of the writer, or the part of one that an operation is.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    /// The current time, the same for the whole operation.
    pub(super) now: Timestamp,
    pub(super) options: &'a Options,
    /// What follows from the operation once it is committed.
    pub(super) effects: Effects,
    damage: &'a Damage,
}

impl Tx<'_> {
    /// Runs a statement, and returns the number of rows written.
    pub(super) fn run(&self, sql: &str, parameters: impl Params) -> Result<usize, Fault> {
        Ok(statements::run(self.connection, sql, parameters)?)
    }

    /// The same where the number does not matter.
    pub(super) fn execute(&self, sql: &str, parameters: impl Params) -> Result<(), Fault> {
        self.run(sql, parameters).map(drop)
    }

    /// Removes some outdated rows by a statement whose parameters are this time, since which
    /// rows are kept, and the greatest number of rows.
    pub(super) fn prune(&self, sql: &str, since: Timestamp) -> Result<(), Fault> {
        self.execute(sql, params![Stored(since), PRUNE_BATCH])
    }
}

pub(super) struct Writer(GroupCommit<Box<dyn Operation>>);

impl Writer {
    /// `files` are the database's files; nothing is committed if one has lost
    /// its name.
    pub(super) fn start(
        connection: Connection,
        files: Vec<NamedFile>,
        clock: Arc<dyn Clock>,
        hub: Arc<Hub>,
        damage: Arc<Damage>,
        options: &Options,
    ) -> std::io::Result<Self> {
        let worker = Worker {
            limit: LogLimit::of(&connection),
            connection,
            files,
            clock,
            hub,
            damage,
            options: options.clone(),
        };
        GroupCommit::start("sqlite-writer", QUEUE_CAPACITY, worker).map(Self)
    }

    /// Runs `work` as one atomic step, and returns after it is on the disk. If the future
    /// is dropped before its turn, the work is not run at all.
    pub(super) async fn write<T, W>(&self, work: W) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let operation = |answer| {
            Box::new(Write {
                work: Some(work),
                outcome: None,
                answer,
            }) as Box<dyn Operation>
        };
        self.0.write(operation).await.ok_or_else(unavailable)?
    }
}

trait Operation: Send {
    /// Whether the caller has left.
    fn is_abandoned(&self) -> bool;

    /// Runs the operation within the current savepoint and stores the outcome. On an
    /// error, which the caller will get, the savepoint must be rolled back.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), CapabilityError>;

    /// Answers the caller, after the group was committed or has failed.
    fn settle(self: Box<Self>, committed: Result<(), CapabilityError>);
}

struct Write<W, T> {
    /// None once it has run.
    work: Option<W>,
    outcome: Option<Result<T, CapabilityError>>,
    answer: oneshot::Sender<Result<T, CapabilityError>>,
}

impl<W, T> Operation for Write<W, T>
where
    T: Send,
    W: FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), CapabilityError> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        let outcome = work(tx).map_err(|fault| fault.report(tx.damage));
        let done = outcome.as_ref().map(drop).map_err(Clone::clone);
        self.outcome = Some(outcome);
        done
    }

    fn settle(self: Box<Self>, committed: Result<(), CapabilityError>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or_else(|| Err(unavailable())),
            Err(error) => Err(error),
        };
        // The caller may have left.
        let _ = self.answer.send(outcome);
    }
}

struct Worker {
    connection: Connection,
    files: Vec<NamedFile>,
    /// None: an in-memory database.
    limit: Option<LogLimit>,
    clock: Arc<dyn Clock>,
    hub: Arc<Hub>,
    damage: Arc<Damage>,
    options: Options,
}

impl Committer for Worker {
    type Entry = Box<dyn Operation>;

    const MAX_GROUP: usize = 256;

    fn commit(&mut self, group: &mut Vec<Self::Entry>) {
        let committed = self.write(group);
        for operation in group.drain(..) {
            operation.settle(committed.clone());
        }
        if let Some(limit) = &mut self.limit {
            limit.keep(&self.connection);
        }
    }

    /// A damaged file is left as it is.
    fn close(self) {
        if !self.damage.is_detected()
            && let Err(error) = connection::tidy_up_on_close(&self.connection, true)
        {
            tracing::warn!(%error, "the task store's log stays behind");
        }
    }
}

impl Worker {
    /// An error means that nothing of the whole group was written.
    fn write(&self, group: &mut Vec<Box<dyn Operation>>) -> Result<(), CapabilityError> {
        group.retain(|operation| !operation.is_abandoned());
        let mut effects = Vec::with_capacity(group.len());
        self.damage.check()?;
        let perform = || {
            self.perform(group, &mut effects)?;
            self.damage.check()?;
            let named = self.files.iter().try_for_each(NamedFile::check);
            named.map_err(|error| Fault::Nameless(error).report(&self.damage))
        };
        transaction(&self.connection, |error| self.report(error), perform)?;
        for effects in effects {
            effects.apply();
        }
        Ok(())
    }

    /// Runs each operation wholly or not at all. An error concerns the whole group.
    fn perform(
        &self,
        group: &mut [Box<dyn Operation>],
        effects: &mut Vec<Effects>,
    ) -> Result<(), CapabilityError> {
        let run = |statement| {
            let run = statements::run(&self.connection, statement, []);
            run.map_err(|error| self.report(error))
        };
        for operation in group {
            run("SAVEPOINT operation")?;
            let mut tx = Tx {
                connection: &self.connection,
                now: self.clock.now(),
                options: &self.options,
                effects: Effects::on(&self.options.room, &self.hub),
                damage: &self.damage,
            };
            match operation.run(&mut tx) {
                Ok(()) => effects.push(tx.effects),
                // SQLite rolls back the whole transaction after some errors, for
                // example on a full disk.
                Err(error) if self.connection.is_autocommit() => return Err(error),
                Err(_) => {
                    run("ROLLBACK TO operation")?;
                }
            }
            run("RELEASE operation")?;
        }
        Ok(())
    }

    fn report(&self, error: rusqlite::Error) -> CapabilityError {
        Fault::Engine(error).report(&self.damage)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::tasks::hub::Update;
    use concept_refinement_domain::capability::ErrorKind;
    use concept_refinement_domain::rulebook::Refusal;
    use concept_refinement_domain::step::{Step, StepKind};
    use futures::future::join_all;
    use futures::poll;

    use super::*;

    /// A duplicate child fails at once, a child without a parent only at the
    /// commit.
    const TABLES: &str = "PRAGMA foreign_keys = on; \
        CREATE TABLE parent (id INTEGER PRIMARY KEY); \
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER \
            REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED, text TEXT);";

    fn start(connection: Connection) -> (Writer, Arc<Hub>) {
        let hub = Arc::new(Hub::default());
        let clock = Arc::new(ManualClock::default());
        (
            Writer::start(
                connection,
                vec![],
                clock,
                hub.clone(),
                Arc::default(),
                &Options::default(),
            )
            .unwrap(),
            hub,
        )
    }

    fn in_memory() -> (Writer, Arc<Hub>) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        start(connection)
    }

    /// Blocks the writer until the sender is used, so that the operations queued
    /// meanwhile form one group.
    async fn hold(writer: &Writer) -> (blocking::Sender<()>, impl Future<Output = ()>) {
        let (go_on, waiting) = blocking::channel();
        let (begun, begins) = oneshot::channel();
        let mut held = Box::pin(writer.write(move |_| {
            begun.send(()).unwrap();
            waiting.recv().unwrap();
            Ok(())
        }));
        assert!(poll!(&mut held).is_pending());
        begins.await.unwrap();
        (go_on, async { held.await.unwrap() })
    }

    async fn insert(writer: &Writer, id: u32, parent: Option<u32>) -> Result<(), CapabilityError> {
        let insert = move |tx: &mut Tx<'_>| {
            let deleted = ("task".to_owned(), Update::Deleted);
            tx.effects.updates.push(deleted);
            let values = (id, parent);
            tx.connection
                .execute("INSERT INTO child (id, parent) VALUES (?, ?)", values)?;
            if id % 2 == 1 {
                return Err(Refusal::IdTaken.into());
            }
            Ok(())
        };
        writer.write(insert).await
    }

    async fn ids(writer: &Writer) -> Vec<u32> {
        let ids = |tx: &mut Tx<'_>| {
            let mut statement = tx.connection.prepare("SELECT id FROM child ORDER BY id")?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        };
        writer.write(ids).await.unwrap()
    }

    #[tokio::test]
    async fn one_that_fails_leaves_no_trace_and_harms_no_other() {
        let (writer, _) = in_memory();
        let (go_on, held) = hold(&writer).await;
        let group = join_all((0..100).map(|id| insert(&writer, id, None)));
        let begin = async { go_on.send(()).unwrap() };
        let ((), outcomes, ()) = futures::join!(held, group, begin);
        for (id, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(()) => assert_eq!(id % 2, 0),
                Err(error) => assert_eq!((id % 2, error.kind), (1, ErrorKind::Invalid)),
            }
        }
        let even: Vec<u32> = (0..100).step_by(2).collect();
        assert_eq!(ids(&writer).await, even);
        let again = insert(&writer, 2, None).await.unwrap_err();
        assert_eq!(again.kind, ErrorKind::Unavailable);
        assert!(!again.message.contains("child"), "{again}");
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_told_to_all_of_its_group() {
        let (writer, hub) = in_memory();
        let mut watching = hub.subscribe("task");
        let (go_on, held) = hold(&writer).await;
        let group = join_all([2, 4, 6].map(|id| insert(&writer, id, (id == 4).then_some(1))));
        let begin = async { go_on.send(()).unwrap() };
        let ((), outcomes, ()) = futures::join!(held, group, begin);
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind, ErrorKind::Unavailable);
        }
        assert_eq!(ids(&writer).await, Vec::<u32>::new());
        assert!(
            poll!(Box::pin(watching.next_after(0))).is_pending(),
            "nobody is told"
        );
        assert!(insert(&writer, 1, None).await.is_err());
        assert!(
            poll!(Box::pin(watching.next_after(0))).is_pending(),
            "nor of what was undone"
        );
        insert(&writer, 8, None).await.unwrap();
        assert!(poll!(Box::pin(watching.next_after(0))).is_ready());
        assert_eq!(ids(&writer).await, [8]);
    }

    #[tokio::test]
    async fn steps_are_noted_again_unless_they_are_stored() {
        let (writer, hub) = in_memory();
        for (name, outcome, left) in [("undone", Err(Refusal::IdTaken), 1), ("stored", Ok(()), 0)] {
            hub.add_step("task", Step::new(StepKind::Asked, 1, Timestamp(0)));
            let stored = writer.write(move |tx| {
                assert_eq!(tx.effects.take_steps("task").len(), 1);
                Ok(outcome?)
            });
            assert_eq!(stored.await.is_err(), left == 1, "{name}");
            assert_eq!(hub.take_steps("task").len(), left, "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_dropped_before_its_turn_is_not_done() {
        let (writer, _) = in_memory();
        let (go_on, held) = hold(&writer).await;
        let mut kept = Box::pin(insert(&writer, 2, None));
        let mut dropped = Box::pin(insert(&writer, 4, None));
        assert!(poll!(&mut kept).is_pending());
        assert!(poll!(&mut dropped).is_pending());
        drop(dropped);
        go_on.send(()).unwrap();
        held.await;
        kept.await.unwrap();
        assert_eq!(ids(&writer).await, [2]);
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_recovered_from() {
        let place = tempfile::tempdir().unwrap();
        let connection = connection::writer(&place.path().join("file")).unwrap();
        connection.execute_batch(TABLES).unwrap();
        connection.pragma_update(None, "max_page_count", 8).unwrap();
        let (writer, _) = start(connection);
        let large = |id: u32| {
            writer.write(move |tx| {
                tx.connection.execute(
                    "INSERT INTO child (id, text) VALUES (?, ?)",
                    (id, "x".repeat(100_000)),
                )?;
                Ok(())
            })
        };
        insert(&writer, 2, None).await.unwrap();
        for _ in 0..3 {
            let error = large(4).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Full);
            assert!(!error.message.contains('/'), "{error}");
        }
        assert_eq!(ids(&writer).await, [2]);
        let room = writer.write(|tx| {
            tx.connection.pragma_update(None, "max_page_count", 1000)?;
            Ok(())
        });
        room.await.unwrap();
        large(4).await.unwrap();
        assert_eq!(ids(&writer).await, [2, 4]);
    }
}
