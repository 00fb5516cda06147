//! A thread a core, each with a runtime of its own.
//!
//! A request or a task stays on the thread that took it: handing work and its
//! answers over costs more than most of what is done. So nothing that is spawned
//! here may compute for long.

use std::iter;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// Threads for what blocks, over all cores: each may keep some memory.
const MAX_BLOCKING_THREADS: usize = 256;

/// The threads. Dropping it ends what runs on them, without waiting for it.
pub struct Cores {
    first: Core,
    others: Vec<Core>,
}

/// One of them.
pub struct Core {
    runtime: Handle,
    /// What was placed here and has not ended.
    load: Arc<AtomicUsize>,
    /// Dropped to end the thread.
    _end: oneshot::Sender<()>,
}

/// Holds a place on a core.
pub struct Place(Arc<AtomicUsize>);

impl Cores {
    /// As many threads as this process may use cores.
    ///
    /// # Errors
    ///
    /// The system has no more threads.
    pub fn start() -> anyhow::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let blocking = (MAX_BLOCKING_THREADS / count).max(8);
        let others = (1..count).map(|_| Core::start(blocking));
        Ok(Self {
            first: Core::start(blocking)?,
            others: others.collect::<Result<_, _>>()?,
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Core> {
        iter::once(&self.first).chain(&self.others)
    }

    /// The core with the fewest places taken, its index, and a place on it.
    pub fn place(&self) -> (usize, &Core, Place) {
        let load = |(_, core): &(usize, &Core)| core.load.load(Ordering::Relaxed);
        let least = self.iter().enumerate().min_by_key(load);
        let (index, core) = least.unwrap_or((0, &self.first));
        core.load.fetch_add(1, Ordering::Relaxed);
        (index, core, Place(Arc::clone(&core.load)))
    }
}

impl Core {
    /// `blocking`: most threads for what blocks.
    fn start(blocking: usize) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(blocking)
            .thread_name("blocking")
            .build()
            .context("starting the runtime of a core")?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || run(runtime, ended))
            .context("starting the thread of a core")?;
        Ok(Self {
            runtime: handle,
            load: Arc::default(),
            _end: end,
        })
    }

    /// Where to spawn on.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

fn run(runtime: Runtime, ended: oneshot::Receiver<()>) {
    // An error means the same: the sender is gone.
    let _ = runtime.block_on(ended);
    // What blocks a thread is not waited for.
    runtime.shutdown_background();
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
