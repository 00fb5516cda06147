//! Combines the writes of several calls into one commit.
//!
//! Most of the cost of a write is that of its commit, and of the round trips to the
//! database. So while a commit is in progress, further writes wait and are committed
//! together: sent at once on one connection, in one transaction. Each is a separate
//! compare-and-swap. If one fails with an error, all are rolled back, and each is
//! repeated on its own.

use std::collections::VecDeque;
use std::iter;
use std::mem;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use concept_refinement_capability::cores;
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::database::{Database, Session};
use crate::connection::fault::Fault;
use crate::tasks::rows::Swap;
use crate::tasks::submit::Insert;

/// Limit of writes per commit: up to this number `join_all` polls futures in order, which
/// matters since the commit has to be sent last.
pub(crate) const MAX_WRITES: usize = 30;

/// How long a write waits for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// How long the locks of a commit outlive a host that dies.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Settings of a transaction that neither waits long for locks nor holds them long.
pub(crate) static SHORT_LOCKS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SET LOCAL lock_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}",
        LOCK_TIMEOUT.as_millis(),
        IDLE_TIMEOUT.as_millis()
    )
});

/// False: the row has changed since it was read, and nothing was written.
pub(crate) type Answer = Result<bool, Fault>;

pub(crate) enum Write {
    Insert(Box<Insert>),
    Swap(Box<Swap>),
}

/// One queue per core, so that no thread waits for another one, and one for all other
/// threads.
pub(crate) struct GroupCommit {
    database: Arc<Database>,
    shared: Arc<WriteQueue>,
    of_cores: Vec<Arc<WriteQueue>>,
}

#[derive(Default)]
struct WriteQueue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    is_committing: bool,
}

struct Entry {
    write: Write,
    deadline: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The outcome of writing several together.
enum Together {
    Committed(Vec<bool>),
    /// Nothing was written.
    RolledBack,
    /// It may have been committed.
    Unknown,
}

impl GroupCommit {
    pub fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            shared: Arc::default(),
            of_cores: iter::repeat_with(Arc::default)
                .take(cores::count())
                .collect(),
        }
    }

    /// # Errors
    ///
    /// The database's error; or a timeout, after which the outcome is unknown.
    pub async fn write(self: &Arc<Self>, write: Write, deadline: Instant) -> Answer {
        let (answer, answered) = oneshot::channel();
        let entry = Entry {
            write,
            deadline,
            answer,
        };
        let queue = self.queue();
        if queue.join(entry) {
            let (commits, queue) = (Arc::clone(self), Arc::clone(queue));
            let runtime = cores::runtime_or(&self.database.dialer.runtime);
            runtime.spawn(async move { commits.commit_all(&queue).await });
        }
        match timeout_at(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Fault::Timeout),
        }
    }

    fn queue(&self) -> &Arc<WriteQueue> {
        let core = cores::current().and_then(|core| self.of_cores.get(core));
        core.unwrap_or(&self.shared)
    }

    async fn commit_all(self: &Arc<Self>, queue: &WriteQueue) {
        let committer = Committer(queue);
        while let Some(entries) = queue.next() {
            self.commit(entries).await;
        }
        // Its drop would take away entries that have joined since, and their new committer.
        mem::forget(committer);
    }

    async fn commit(self: &Arc<Self>, mut entries: Vec<Entry>) {
        // A caller that no longer waits was told that its write failed.
        let now = Instant::now();
        entries.retain(|entry| entry.deadline > now && !entry.answer.is_closed());
        if entries.len() > 1 {
            // Every transaction takes row locks in this order, so that none deadlock.
            entries.sort_by(|one, other| one.write.lock_order().cmp(&other.write.lock_order()));
            match self.together(&entries).await {
                Together::Committed(answers) => {
                    for (entry, answer) in entries.into_iter().zip(answers) {
                        let _ = entry.answer.send(Ok(answer));
                    }
                    return;
                }
                // Dropping the entries tells their callers that the outcome is unknown.
                Together::Unknown => return,
                Together::RolledBack => {}
            }
        }
        let written = entries.into_iter().map(|entry| {
            let commits = Arc::clone(self);
            tokio::spawn(async move { commits.alone(entry).await })
        });
        // The timeout keeps a write that waits for a lock from delaying the others.
        let _ = timeout(LOCK_TIMEOUT, join_all(written)).await;
    }

    async fn together(&self, entries: &[Entry]) -> Together {
        let deadlines = entries.iter().map(|entry| entry.deadline);
        let Some(deadline) = deadlines.max() else {
            return Together::RolledBack;
        };
        let Ok(session) = self.database.session_until(deadline).await else {
            return Together::RolledBack;
        };
        let writes = entries.iter().map(|entry| entry.write.run(&session));
        let (begun, answers, committed) = futures::join!(
            session.begin_with(&SHORT_LOCKS),
            join_all(writes),
            session.commit()
        );
        if begun.is_err() || committed.is_err() {
            return Together::Unknown;
        }
        match answers.into_iter().collect::<Result<_, _>>() {
            Ok(answers) => Together::Committed(answers),
            // The failed transaction was rolled back as a whole.
            Err(fault) if fault.is_answer() => Together::RolledBack,
            Err(_) => Together::Unknown,
        }
    }

    async fn alone(&self, entry: Entry) {
        let answer = async {
            let (user, deadline) = (entry.write.user_id(), entry.deadline);
            // Each is written on its own, because it may wait for a lock.
            let session = self.database.session_of_until(user, deadline).await?;
            entry.write.run(&session).await
        };
        let answer = answer.await;
        let _ = entry.answer.send(answer);
    }
}

impl Write {
    /// The user who owns the task.
    fn user_id(&self) -> &str {
        match self {
            Self::Insert(insert) => insert.user_id(),
            Self::Swap(swap) => swap.user_id(),
        }
    }

    /// The user whose account, sums or last claim are locked, and the task.
    fn lock_order(&self) -> (Option<&str>, &str) {
        match self {
            Self::Insert(insert) => (Some(insert.user_id()), insert.task_id()),
            Self::Swap(swap) => {
                let locks_user = swap.is_claim || swap.account.is_some() || swap.entry.is_some();
                (locks_user.then(|| swap.user_id()), swap.task_id())
            }
        }
    }

    async fn run(&self, session: &Session<'_>) -> Answer {
        match self {
            Self::Insert(insert) => insert.run(session).await,
            Self::Swap(swap) => swap.run(session).await,
        }
    }
}

impl WriteQueue {
    /// Adds an entry. True: no commit is in progress, so the caller has to commit.
    fn join(&self, entry: Entry) -> bool {
        let mut waiting = self.0.lock();
        waiting.entries.push_back(entry);
        !mem::replace(&mut waiting.is_committing, true)
    }

    /// The entries of the next commit. None: there are none, and from now on no commit is in
    /// progress.
    fn next(&self) -> Option<Vec<Entry>> {
        let mut waiting = self.0.lock();
        let count = waiting.entries.len().min(MAX_WRITES);
        if count == 0 {
            waiting.is_committing = false;
            return None;
        }
        Some(waiting.entries.drain(..count).collect())
    }
}

/// Who commits the entries of a queue; there is one at a time per queue. If it is dropped (such
/// as with its thread), its callers must not wait for ever.
struct Committer<'a>(&'a WriteQueue);

impl Drop for Committer<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.0.lock();
        waiting.entries.clear();
        waiting.is_committing = false;
    }
}
