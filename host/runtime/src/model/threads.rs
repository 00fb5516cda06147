//! The threads on which models compute. Their priority is lower, so that models which
//! compute for seconds do not slow down the API.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// How long a call may compute on its caller's thread (wall-clock time): half of the time
/// after which a guest yields.
const COMPUTE_BUDGET: Duration = Duration::from_millis(5);

/// The threads on which models compute.
pub struct Threads {
    handle: Handle,
    /// None while it is being dropped.
    runtime: Option<Runtime>,
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
            runtime: Some(runtime),
        })
    }

    /// Runs a call on one of these threads until it ends or the handle is dropped.
    pub fn spawn<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        AbortOnDropHandle::new(self.handle.spawn(call))
    }

    /// Runs a call on the caller's runtime, since moving it to another thread and back
    /// costs more than most calls that only wait; and moves it to these threads once it
    /// has computed for too long. It is a separate tokio task in either case: wasmtime does
    /// not poll one store from within another.
    pub fn spawn_once_busy(&self, mut call: BoxFuture<'static, ()>) -> AbortOnDropHandle<()> {
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
                    Poll::Pending => Poll::Pending,
                }
            });
            if is_busy.await {
                // An error also means that the call was ended.
                let _ = AbortOnDropHandle::new(threads.spawn(call)).await;
            }
        }))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for the threads here could block an executor.
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
