//! The API component behind `wasi:http/handler`.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    ExpirationError, HandlerState, Instance, InstantiationError, Proxy, ProxyHandler, ShouldAccept,
    WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

use super::activity::{Activity, Progress};
use super::door::Failure;
use super::instances::{
    ApiInstances, IDLE_TIMEOUT, MAX_CONCURRENT_REQUESTS, REQUEST_TIMEOUT, is_worn, log_end,
    log_printed,
};
use crate::wasm::sandbox::Sandbox;

/// How long a request waits for an instance, and how often it is offered to them
/// meanwhile.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(5);
const INSTANCE_RETRY: Duration = Duration::from_millis(2);

/// Serves requests through `wasi:http/handler`: for components without the door
/// that takes one call a request.
pub struct WasiHttp(pub Arc<ApiInstances>);

/// In a burst all instances may be computing, and be as many as there may be.
/// wasmtime gives a request back then, and does not tell when an instance can
/// take one again, so it is offered again at intervals.
pub async fn handle(
    handler: &ProxyHandler<WasiHttp>,
    activity: Activity,
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Failure> {
    let begin = Instant::now();
    loop {
        let error = match handler.handle(activity.clone(), request).await {
            Ok(response) => return Ok(response),
            Err(error) if error.is::<ExpirationError>() => return Err(Failure::TimedOut),
            Err(error) => error,
        };
        let error = error
            .downcast::<InstantiationError<Activity>>()
            .map_err(|error| {
                tracing::error!(error = format!("{error:#}"), "an instance failed a request");
                Failure::Ended
            })?;
        if begin.elapsed() >= INSTANCE_TIMEOUT {
            return Err(Failure::Overloaded);
        }
        sleep(INSTANCE_RETRY).await;
        request = error
            .request
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
    }
}

impl HandlerState for WasiHttp {
    type StoreData = Sandbox;
    type WorkerExpiration = Expiration;
    type WorkerState = Reuse;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Sandbox, Expiration, Reuse>> {
        let Some(slot) = self.0.slot() else {
            wasmtime::bail!("there are as many instances of the api as there may be");
        };
        let progress = Progress::default();
        let mut store = self.0.store()?;
        let service = self.0.pre.instantiate_async(&mut store).await?;
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
                stopping: Arc::clone(&self.0.stopping),
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
        match at_once {
            _ if is_worn(total, &self.slot) => ShouldAccept::Never,
            MAX_CONCURRENT_REQUESTS.. => ShouldAccept::No,
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
        log_end(&store, result, self.stopping.load(Ordering::Relaxed));
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
