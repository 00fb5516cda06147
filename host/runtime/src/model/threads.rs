//! The threads on which models compute, of a lower priority than the rest, so
//! that models which compute for seconds do not slow down the API.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// How long a call may compute where its caller runs, by the clock: half of the
/// time after which a guest yields.
const COMPUTE_BUDGET: Duration = Duration::from_millis(5);

/// The threads that models compute on, so that they keep no other work waiting.
pub struct Threads {
    handle: Handle,
    /// None: being dropped.
    runtime: Mutex<Option<Runtime>>,
}

impl Threads {
    /// # Errors
    ///
    /// The system has no more threads.
    pub fn start(count: usize) -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("model")
            .on_thread_start(be_nice)
            .enable_all()
            .build()
            .context("starting the threads of the model")?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    /// Runs a call on one of them until it ends or the handle is dropped.
    pub fn spawn<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        AbortOnDropHandle::new(self.handle.spawn(call))
    }

    /// Runs a call on the caller's runtime, since handing it to another thread
    /// and its answer back costs more than most calls that wait, and on these
    /// threads from when it has computed too long or is large. It is a task of its
    /// own there too: wasmtime runs no store within another one's step.
    pub fn spawn_once_busy(
        &self,
        mut call: BoxFuture<'static, ()>,
        is_large: Arc<AtomicBool>,
    ) -> AbortOnDropHandle<()> {
        let threads = self.handle.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut computed = Duration::ZERO;
            let is_busy = poll_fn(|cx| {
                let begin = Instant::now();
                let polled = call.as_mut().poll(cx);
                computed += begin.elapsed();
                match polled {
                    Poll::Ready(()) => Poll::Ready(false),
                    Poll::Pending if computed > COMPUTE_BUDGET => Poll::Ready(true),
                    Poll::Pending if is_large.load(Ordering::Relaxed) => Poll::Ready(true),
                    Poll::Pending => Poll::Pending,
                }
            });
            if is_busy.await {
                // An error means the same: the call was ended.
                let _ = AbortOnDropHandle::new(threads.spawn(call)).await;
            }
        }))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.lock().take() {
            // Joining here could block an executor.
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread. On Linux each thread has its own
/// niceness; on other systems this does nothing.
fn be_nice() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "the model's threads keep their priority");
    }
}
