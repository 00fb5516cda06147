//! One thread per core, each with its own runtime.
//!
//! A request or a task stays on the thread that took it: handing work to another thread
//! costs more than most of the work itself. So nothing that is spawned here may compute
//! for long.

use std::cell::Cell;
use std::iter;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::join_all;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// Limit of threads for blocking calls, over all cores: each may keep some memory.
const MAX_BLOCKING_THREADS: usize = 256;

/// How long a thread that ends waits for its blocking calls.
const LAST_CALLS: Duration = Duration::from_millis(500);

thread_local! {
    /// Index of this thread's core.
    static CORE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// How many cores this process may use.
pub fn count() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Index of this thread's core, if it is a thread of [`Cores`].
pub fn current() -> Option<usize> {
    CORE.get()
}

/// The runtime for work that may end together with this thread's core; on a thread
/// without a core, `other`.
pub fn runtime_or(other: &Handle) -> Handle {
    match current() {
        Some(_) => Handle::current(),
        None => other.clone(),
    }
}

/// The threads. Dropping it ends what runs on them, without waiting for it.
pub struct Cores {
    first: Core,
    others: Vec<Core>,
}

/// One of them.
pub struct Core {
    runtime: Handle,
    /// Shared by the jobs that were placed here and have not ended.
    load: Arc<()>,
    /// Taken to end the thread.
    end: Mutex<Option<End>>,
}

struct End {
    /// Dropped to end the thread.
    stop: oneshot::Sender<()>,
    /// Completes once the thread has dropped everything that ran on it.
    ended: oneshot::Receiver<()>,
}

/// Counts as work of a core until it and its clones are dropped.
pub type LoadGuard = Arc<()>;

impl Cores {
    /// Starts one thread for each core that this process may use.
    ///
    /// # Errors
    ///
    /// The system has no more threads.
    pub fn start() -> anyhow::Result<Self> {
        let count = count();
        let blocking = (MAX_BLOCKING_THREADS / count).max(8);
        let others = (1..count).map(|index| Core::start(index, blocking));
        Ok(Self {
            first: Core::start(0, blocking)?,
            others: others.collect::<Result<_, _>>()?,
        })
    }

    /// All cores, that of the main runtime first.
    pub fn iter(&self) -> impl Iterator<Item = &Core> {
        iter::once(&self.first).chain(&self.others)
    }

    /// Ends the threads, and waits until everything on them is dropped: a store is closed
    /// when its last user drops it.
    pub async fn shut_down(&self) {
        let ends = self.iter().filter_map(|core| core.end.lock().take());
        let ends: Vec<_> = ends.collect();
        let ended = ends.into_iter().map(|End { stop, ended }| {
            drop(stop);
            ended
        });
        join_all(ended).await;
    }

    /// The core with the least load, its index, and a guard that adds to its load.
    pub fn least_loaded(&self) -> (usize, &Core, LoadGuard) {
        let load = |(_, core): &(usize, &Core)| Arc::strong_count(&core.load);
        let least = self.iter().enumerate().min_by_key(load);
        let (index, core) = least.unwrap_or((0, &self.first));
        (index, core, Arc::clone(&core.load))
    }
}

impl Core {
    /// `blocking`: limit of threads for blocking calls.
    fn start(index: usize, blocking: usize) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(blocking)
            .thread_name("blocking")
            .build()
            .context("starting the runtime of a core")?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let (finish, ended) = oneshot::channel();
        thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || {
                CORE.set(Some(index));
                run(runtime, stopped);
                drop::<oneshot::Sender<()>>(finish);
            })
            .context("starting the thread of a core")?;
        Ok(Self {
            runtime: handle,
            load: Arc::default(),
            end: Mutex::new(Some(End { stop, ended })),
        })
    }

    /// The runtime to spawn on.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

fn run(runtime: Runtime, stopped: oneshot::Receiver<()>) {
    // An error means the same: the sender is gone.
    let _ = runtime.block_on(stopped);
    runtime.shutdown_timeout(LAST_CALLS);
}
