//! Writes of several calls by one commit.
//!
//! What a commit costs the database, and the turns between it and this host, is most
//! of what a write costs. So while a commit is under way, the writes that come wait
//! for the next one and go together: sent at once on one connection, in one
//! transaction. Each is a compare-and-swap of its own, and one that fails takes no
//! other with it: then each is done again by itself.

use std::collections::VecDeque;
use std::iter;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use concept_refinement_capability::cores;
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::database::{Database, Session};
use super::fault::Fault;
use super::rows::Swap;
use super::submit::Insert;

/// Writes of one commit, at most: as many as `join_all` polls in their order, since
/// the commit has to be sent last.
pub(super) const MAX_WRITES: usize = 30;

/// How long a write waits for a lock that somebody else has.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// How long the locks of a commit outlive this host.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Of a transaction that neither waits long for a lock nor keeps one for long.
pub(super) static SHORT_LOCKS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SET LOCAL lock_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}",
        LOCK_TIMEOUT.as_millis(),
        IDLE_TIMEOUT.as_millis()
    )
});

/// False: what it goes by is not as it was read, and nothing was written.
pub(super) type Answer = Result<bool, Fault>;

pub(super) enum Write {
    Insert(Box<Insert>),
    Swap(Box<Swap>),
}

/// A queue for each core, so that no thread waits for another one, and a queue for
/// everybody else.
pub(super) struct GroupCommit {
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

/// What came of writing together.
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
    /// As the database answers; or by the deadline, and then nobody knows.
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
            let runtime = cores::runtime_or(self.database.runtime());
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
        let mut committer = Committer {
            queue,
            is_over: false,
        };
        while let Some(entries) = committer.next() {
            self.commit(entries).await;
        }
    }

    async fn commit(self: &Arc<Self>, mut entries: Vec<Entry>) {
        // Who waits no longer was told that it failed.
        let now = Instant::now();
        entries.retain(|entry| entry.deadline > now && !entry.answer.is_closed());
        if entries.len() > 1 {
            // Whoever writes the same rows takes their locks in the same order.
            entries.sort_by(|one, other| one.write.lock_order().cmp(&other.write.lock_order()));
            match self.together(&entries).await {
                Together::Committed(answers) => {
                    for (entry, answer) in entries.into_iter().zip(answers) {
                        let _ = entry.answer.send(Ok(answer));
                    }
                    return;
                }
                // Dropped, they say so.
                Together::Unknown => return,
                Together::RolledBack => {}
            }
        }
        let written = entries.into_iter().map(|entry| {
            let commits = Arc::clone(self);
            tokio::spawn(async move { commits.alone(entry).await })
        });
        // One that has to wait longer holds up no other.
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
            // The end of a transaction in which something failed undid all of it.
            Err(fault) if fault.is_answer() => Together::RolledBack,
            Err(_) => Together::Unknown,
        }
    }

    async fn alone(&self, entry: Entry) {
        let answer = async {
            let (user, deadline) = (entry.write.user_id(), entry.deadline);
            // It may have to wait for a lock.
            let session = self.database.session_of_until(user, deadline).await?;
            entry.write.run(&session).await
        };
        let answer = answer.await;
        let _ = entry.answer.send(answer);
    }
}

impl Write {
    /// Whose task it is.
    fn user_id(&self) -> &str {
        match self {
            Self::Insert(insert) => insert.user_id(),
            Self::Swap(swap) => swap.user_id(),
        }
    }

    /// The user whose account is locked, and the task.
    fn lock_order(&self) -> (Option<&str>, &str) {
        match self {
            Self::Insert(insert) => (Some(insert.user_id()), insert.task_id()),
            Self::Swap(swap) => {
                let user = swap.account.as_ref().map(|_| swap.user_id());
                (user, swap.task_id())
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
    /// Whether nobody commits at the moment, so that whoever joined has to.
    fn join(&self, entry: Entry) -> bool {
        let mut waiting = self.0.lock();
        waiting.entries.push_back(entry);
        !std::mem::replace(&mut waiting.is_committing, true)
    }
}

/// Commits what waits in a queue: one at a time for each.
struct Committer<'a> {
    queue: &'a WriteQueue,
    is_over: bool,
}

impl Committer<'_> {
    /// None: nothing waits, and this is over.
    fn next(&mut self) -> Option<Vec<Entry>> {
        let mut waiting = self.queue.0.lock();
        let count = waiting.entries.len().min(MAX_WRITES);
        if count == 0 {
            waiting.is_committing = false;
            self.is_over = true;
            return None;
        }
        Some(waiting.entries.drain(..count).collect())
    }
}

impl Drop for Committer<'_> {
    /// One that is ended early, as with its thread, leaves nobody waiting.
    fn drop(&mut self) {
        if !self.is_over {
            let mut waiting = self.queue.0.lock();
            waiting.entries.clear();
            waiting.is_committing = false;
        }
    }
}
