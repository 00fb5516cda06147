//! Instances of the API component, reused and shared by concurrent requests.
//!
//! Requests that share an instance fail together, so none may compute for long;
//! that is why models run elsewhere. An instance ends when it is idle, and
//! after many requests, since a guest's memory never shrinks. Event streams do
//! not occupy an instance: it takes other requests meanwhile, so that many
//! watchers share few instances.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::activity::{Activity, Progress};
use crate::log_throttle::LogThrottle;
use crate::wasm::sandbox::{Grants, Place, Sandbox};

/// Most requests that an instance serves at a time.
const MAX_CONCURRENT_REQUESTS: usize = 64;

/// Requests after which an instance is replaced.
const MAX_REQUESTS: usize = 100_000;

/// An instance is replaced only if this many slots are free, since the old one
/// keeps its slot as long as one of its event streams lasts.
const MIN_FREE_SLOTS: usize = 32;

/// How long an idle instance lives.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request may make no progress before it is answered. A slow
/// request body is progress; the answer's body does not count.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

pub struct ApiInstances {
    pub engine: wasmtime::Engine,
    pub pre: ServicePre<Sandbox>,
    pub grants: Grants,
    /// None: no files and no environment.
    pub place: Option<Place>,
    /// Set when the host stops, so that instances that end are not logged as
    /// failed.
    pub stopping: Arc<AtomicBool>,
    /// Most instances at a time; the pool has room for other components too.
    pub slots: Arc<Semaphore>,
}

impl HandlerState for ApiInstances {
    type StoreData = Sandbox;
    type WorkerExpiration = Expiration;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Sandbox, Expiration, Reuse>> {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            wasmtime::bail!("there are as many instances of the api as there may be");
        };
        let progress = Progress::default();
        let mut store = Sandbox::store(&self.engine, &self.grants);
        if let Some(place) = &self.place {
            store.data_mut().open(place)?;
        }
        let service = self.pre.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Sandbox::http,
            expiration: Expiration {
                timer: Box::pin(sleep(IDLE_TIMEOUT)),
                progress: progress.clone(),
            },
            state: Reuse {
                progress,
                stopping: Arc::clone(&self.stopping),
                slot,
            },
        })
    }
}

pub struct Reuse {
    progress: Progress,
    stopping: Arc<AtomicBool>,
    /// Released with the instance.
    slot: OwnedSemaphorePermit,
}

impl WorkerState for Reuse {
    type StoreData = Sandbox;
    type RequestData = Activity;

    fn should_accept_request(&self, at_once: usize, total: usize) -> ShouldAccept {
        match (at_once, total) {
            (_, MAX_REQUESTS..) if self.slot.semaphore().available_permits() >= MIN_FREE_SLOTS => {
                ShouldAccept::Never
            }
            (MAX_CONCURRENT_REQUESTS.., _) => ShouldAccept::No,
            _ => ShouldAccept::Yes,
        }
    }

    fn on_request_start(
        &self,
        store: StoreContextMut<'_, Sandbox>,
        activity: Activity,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        log_printed(&store.data().printed());
        activity.taken_by(&self.progress);
        Box::pin(activity.idle_for(REQUEST_TIMEOUT))
    }

    fn drop(&self, store: Store<Sandbox>, result: Result<(), wasmtime::Error>) {
        match result {
            Err(error) if !self.stopping.load(Ordering::Relaxed) => {
                let printed = store.data().printed();
                tracing::error!(
                    error = format!("{error:#}"),
                    printed,
                    "an instance of the api ended early"
                );
            }
            Ok(()) | Err(_) => {
                log_printed(&store.data().printed());
                tracing::debug!("an instance of the api ended");
            }
        }
    }
}

/// Logs what an instance printed; called at its next request and at its end.
fn log_printed(printed: &str) {
    static SAID: LogThrottle = LogThrottle::new();
    if !printed.is_empty()
        && let Some(times) = SAID.times()
    {
        tracing::warn!(printed, times, "the api said");
    }
}

/// Ends an instance that is idle, or stuck in a request.
pub struct Expiration {
    timer: Pin<Box<Sleep>>,
    progress: Progress,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE_TIMEOUT,
            WorkerStatus::Requests => REQUEST_TIMEOUT + IDLE_TIMEOUT,
            // An answer may stream as long as the client reads it; the
            // connection's timeout ends the others.
            WorkerStatus::PostReturn => return Poll::Pending,
        };
        // Called after each step of an instance, so the timer is not moved each
        // time; it may fire early, and is then set again.
        while self.timer.as_mut().poll(cx).is_ready() {
            let (now, last) = (Instant::now(), start.max(self.progress.last()));
            let end = last + limit;
            if end <= now {
                return Poll::Ready(());
            }
            self.timer
                .as_mut()
                .reset(end.min(now + IDLE_TIMEOUT).into());
        }
        Poll::Pending
    }
}
