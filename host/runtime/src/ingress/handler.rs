//! The API component behind its own interface `handler`: one call per request. Its other
//! one, `wasi:http/handler`, is for other platforms.
//!
//! Requests wait in a queue, from which instances take them. An instance that is
//! computing takes none, and if a request waits for a while, another instance is started.

mod exchange;
mod instance;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use concept_refinement_domain::trace::TraceContext;
use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::sleep;
use wasmtime_wasi_http::WasiBody;

use super::activity::Activity;
use super::failure::Failure;
use super::instances::ApiInstances;
use super::long_poll::LongPoll;
use exchange::{Exchange, Received};
use queue::Queue;

/// How long a request waits for an instance.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits before one more instance is started.
const START_DELAY: Duration = Duration::from_millis(20);

/// Hands requests to instances.
#[derive(Clone)]
pub struct Handler(Arc<Shared>);

struct Shared {
    instances: Arc<ApiInstances>,
    queue: Queue<Exchange>,
    /// Shared by the instances that run or are being started: one clone each, besides this.
    alive: Arc<()>,
    is_starting: AtomicBool,
    /// Whether `watch` is running.
    is_watched: AtomicBool,
    /// Set at shutdown.
    stopping: AtomicBool,
}

impl Handler {
    /// Without any instance yet.
    pub fn new(instances: Arc<ApiInstances>) -> Self {
        Self(Arc::new(Shared {
            instances,
            queue: Queue::default(),
            alive: Arc::default(),
            is_starting: AtomicBool::default(),
            is_watched: AtomicBool::default(),
            stopping: AtomicBool::default(),
        }))
    }

    /// From now on, instances that end do so because of the shutdown, and are not logged
    /// as failed.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Hands a request to an instance and returns its answer. `trace`: the trace
    /// context of the request.
    pub async fn handle(
        &self,
        activity: Activity,
        request: Request<WasiBody>,
        trace: Option<TraceContext>,
    ) -> Result<Response<WasiBody>, Failure> {
        let shared = &self.0;
        let (sender, response) = oneshot::channel();
        shared.queue.push(Exchange {
            long_poll: LongPoll::of(&request),
            request: Received::of(request).await,
            activity,
            trace,
            response: sender,
        });
        let instances = Arc::strong_count(&shared.alive) - 1;
        if instances == 0 {
            shared.start_instance();
        }
        if !shared.is_watched.swap(true, Ordering::Relaxed) {
            tokio::spawn(Arc::clone(shared).watch());
        }
        response.await.unwrap_or(Err(Failure::Ended))
    }
}

impl Shared {
    /// Starts instances, or gives up on requests, as long as any request waits. One task
    /// does this for all: a timer per request would usually be the first to expire, and
    /// each request would then wake the runtime's driver.
    async fn watch(self: Arc<Self>) {
        let mut pause = START_DELAY;
        loop {
            sleep(pause).await;
            while let Some(exchange) = self.queue.pop_after(INSTANCE_TIMEOUT) {
                // The client may be gone.
                let _ = exchange.response.send(Err(Failure::Overloaded));
            }
            self.is_watched.store(false, Ordering::Relaxed);
            let Some(wait) = self.queue.wait() else {
                return;
            };
            if self.is_watched.swap(true, Ordering::Relaxed) {
                return;
            }
            pause = START_DELAY.saturating_sub(wait);
            if pause.is_zero() {
                self.start_instance();
                pause = START_DELAY;
            }
        }
    }

    /// Starts an instance, unless one is being started or the limit is reached.
    fn start_instance(self: &Arc<Self>) {
        if self.is_starting.swap(true, Ordering::Relaxed) {
            return;
        }
        match self.instances.slot() {
            Some(slot) => drop(tokio::spawn(instance::run(Arc::clone(self), slot))),
            None => self.is_starting.store(false, Ordering::Relaxed),
        }
    }
}
