//! The one thread that writes, in groups.
//!
//! A commit waits for the disk, and that wait is the same for one operation as
//! for a hundred. So the thread takes whatever waits, does each operation in a
//! savepoint of its own (one that fails leaves no trace and harms no other),
//! commits them together, and only then answers any of them.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::super::super::Clock;
use super::fault::{Fault, unavailable};
use super::watch::{Hub, News};

/// Callers beyond these wait before they are queued.
const WAITING: usize = 1024;
/// More of them in one commit would only make the first wait longer.
const LARGEST_GROUP: usize = 256;

/// What an operation works with.
pub(super) struct Step<'a> {
    pub(super) connection: &'a Connection,
    /// The moment at which it happens.
    pub(super) now: Timestamp,
    news: &'a mut Vec<(String, News)>,
}

impl Step<'_> {
    /// Tells the task's watchers, once this is committed.
    pub(super) fn announce(&mut self, task_id: &str, news: News) {
        self.news.push((task_id.to_owned(), news));
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    /// Taken when the writer is to stop.
    sender: Option<mpsc::Sender<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        clock: Arc<dyn Clock>,
        hub: Arc<Hub>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let worker = Worker {
            connection,
            clock,
            hub,
        };
        let thread = thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || worker.run(receiver))?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
        })
    }

    /// Does `work` in one atomic step. When this answers, it is on the disk.
    /// Dropped before its turn came, it is not done at all.
    pub(super) async fn write<T, W>(&self, work: W) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Step<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let operation = Write {
            work: Some(work),
            outcome: None,
            answer,
        };
        let sender = self.sender.as_ref().ok_or_else(unavailable)?;
        sender
            .send(Box::new(operation))
            .await
            .map_err(|_| unavailable())?;
        answered.await.map_err(|_| unavailable())?
    }
}

/// Waits for what was begun, so that the file is free afterwards.
impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the task store's writer had crashed");
        }
    }
}

trait Operation: Send {
    /// Nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Does it, in the savepoint that it is called in, and keeps the outcome.
    /// True: keep what it did.
    fn run(&mut self, step: &mut Step<'_>) -> Result<(), Undo>;

    /// Answers, now that the group is committed or has failed.
    fn settle(self: Box<Self>, committed: Result<(), CapabilityError>);
}

/// What the operation did is to be undone; its caller is told why.
struct Undo(CapabilityError);

struct Write<W, T> {
    /// Taken when it is done.
    work: Option<W>,
    outcome: Option<Result<T, CapabilityError>>,
    answer: oneshot::Sender<Result<T, CapabilityError>>,
}

impl<W, T> Operation for Write<W, T>
where
    T: Send,
    W: FnOnce(&mut Step<'_>) -> Result<T, Fault> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, step: &mut Step<'_>) -> Result<(), Undo> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        let outcome = work(step).map_err(Fault::tell);
        let undo = outcome.as_ref().err().cloned().map(Undo);
        self.outcome = Some(outcome);
        undo.map_or(Ok(()), Err)
    }

    fn settle(self: Box<Self>, committed: Result<(), CapabilityError>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or_else(|| Err(unavailable())),
            Err(error) => Err(error),
        };
        // Whoever asked may have left meanwhile.
        let _ = self.answer.send(outcome);
    }
}

struct Worker {
    connection: Connection,
    clock: Arc<dyn Clock>,
    hub: Arc<Hub>,
}

impl Worker {
    fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Operation>>) {
        let mut group = Vec::with_capacity(LARGEST_GROUP);
        while waiting.blocking_recv_many(&mut group, LARGEST_GROUP) > 0 {
            let committed = self.commit(&mut group);
            for operation in group.drain(..) {
                operation.settle(committed.clone());
            }
        }
    }

    /// An error is that of the whole group: nothing of it was done.
    fn commit(&mut self, group: &mut Vec<Box<dyn Operation>>) -> Result<(), CapabilityError> {
        group.retain(|operation| !operation.is_abandoned());
        let mut news = Vec::new();
        let engine = |error| Fault::Engine(error).tell();
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(engine)?;
        for operation in group.iter_mut() {
            perform(&mut transaction, self.clock.now(), operation, &mut news)?;
        }
        transaction.commit().map_err(engine)?;
        for (task_id, news) in news {
            self.hub.announce(&task_id, news);
        }
        Ok(())
    }
}

/// Does one operation wholly or not at all. An error is that of the group.
fn perform(
    transaction: &mut Transaction<'_>,
    now: Timestamp,
    operation: &mut Box<dyn Operation>,
    news: &mut Vec<(String, News)>,
) -> Result<(), CapabilityError> {
    let engine = |error| Fault::Engine(error).tell();
    let announced = news.len();
    let mut savepoint = transaction.savepoint().map_err(engine)?;
    let outcome = operation.run(&mut Step {
        connection: &savepoint,
        now,
        news: &mut *news,
    });
    if let Err(Undo(error)) = outcome {
        news.truncate(announced);
        // The engine gives up the whole transaction after some errors, among
        // them that of a full disk.
        if savepoint.is_autocommit() {
            return Err(error);
        }
        savepoint.rollback().map_err(engine)?;
    }
    savepoint.commit().map_err(engine)
}
