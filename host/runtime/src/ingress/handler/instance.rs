//! The life of an instance: it takes requests until it is idle, worn, stuck or has
//! trapped.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use wasmtime::AsContextMut as _;
use wasmtime::component::Accessor;

use super::Shared;
use super::exchange::{Exchange, from_wit};
use crate::ingress::activity::Progress;
use crate::ingress::failure::Failure;
use crate::ingress::instances::{
    IDLE_TIMEOUT, MAX_CONCURRENT_REQUESTS, MAX_LONG_POLLS, REQUEST_TIMEOUT, is_recycled, log_end,
    log_printed, request_timeout,
};
use crate::wasm::bindings::api::Api;
use crate::wasm::sandbox::Sandbox;

/// How long an instance with requests may go without progress. A guest that yields makes
/// some whenever it is looked at, which is more often; its requests have their own timeouts.
const STUCK: Duration = Duration::from_secs(REQUEST_TIMEOUT.as_secs() + IDLE_TIMEOUT.as_secs());

pub async fn run(shared: Arc<Shared>, slot: OwnedSemaphorePermit) {
    let _alive = Arc::clone(&shared.alive);
    let started = async {
        let mut store = shared.instances.store();
        let api = shared.instances.pre.instantiate_async(&mut store).await?;
        wasmtime::error::Ok((store, api))
    };
    let started = started.await;
    shared.is_starting.store(false, Ordering::Relaxed);
    let (mut store, api) = match started {
        Ok(started) => started,
        Err(error) => {
            log_throttled!(
                error,
                "an instance of the api cannot be started",
                error = format!("{error:#}")
            );
            return;
        }
    };
    let (progress, in_flight) = (Progress::default(), AtomicUsize::default());
    let ended = {
        let serving = async |accessor: &Accessor<Sandbox>| {
            let instance = Instance {
                shared: &shared,
                slot: &slot,
                api: &api,
                accessor,
                progress: &progress,
                in_flight: &in_flight,
            };
            instance.serve().await
        };
        // Outside of the store, because futures inside it are not polled while a guest
        // loops.
        tokio::select! {
            ended = store.run_concurrent(serving) => ended.flatten(),
            () = stuck(&progress, &in_flight) => Err(wasmtime::format_err!("the guest is stuck")),
        }
    };
    let stopping = shared.stopping.load(Ordering::Relaxed);
    log_end(&store, ended, stopping);
}

async fn stuck(progress: &Progress, in_flight: &AtomicUsize) {
    loop {
        let end = Instant::from_std(progress.last()) + STUCK;
        let now = Instant::now();
        if in_flight.load(Ordering::Relaxed) == 0 {
            sleep(STUCK).await;
        } else if end <= now {
            return;
        } else {
            sleep_until(end).await;
        }
    }
}

struct Instance<'a> {
    shared: &'a Shared,
    slot: &'a OwnedSemaphorePermit,
    api: &'a Api,
    accessor: &'a Accessor<Sandbox>,
    progress: &'a Progress,
    in_flight: &'a AtomicUsize,
}

/// How a call ended.
enum Ended {
    /// Its body may still need the instance.
    Answered(Option<oneshot::Receiver<()>>),
    /// The client disconnected. The guest may still be working on the call.
    Abandoned,
    TimedOut,
}

impl Instance<'_> {
    /// Serves requests until the instance ends. An error: the guest trapped, and all its
    /// requests in flight are lost.
    async fn serve(&self) -> wasmtime::Result<()> {
        let mut calls = FuturesUnordered::new();
        let mut bodies = FuturesUnordered::new();
        let mut idle = pin!(sleep(IDLE_TIMEOUT));
        let mut last = Instant::now();
        let (mut requests, mut is_accepting, mut has_lost_one) = (0, true, false);
        let mut long_polls = 0;
        loop {
            self.in_flight.store(calls.len(), Ordering::Relaxed);
            is_accepting &= !is_recycled(requests, self.slot);
            let is_empty = calls.is_empty() && bodies.is_empty();
            if is_empty && !is_accepting && (has_lost_one || self.is_quiet().await) {
                return Ok(());
            }
            let has_room = is_accepting
                && calls.len() - long_polls < MAX_CONCURRENT_REQUESTS
                && long_polls < MAX_LONG_POLLS;
            tokio::select! {
                biased;
                Some((was_long_poll, ended)) = calls.next() => {
                    long_polls -= usize::from(was_long_poll);
                    match ended? {
                        Ended::Answered(drained) => bodies.extend(drained),
                        Ended::Abandoned => {}
                        // The call may never end in the guest. Other calls may.
                        Ended::TimedOut => (is_accepting, has_lost_one) = (false, true),
                    }
                }
                Some(_) = bodies.next() => {}
                exchange = self.shared.queue.pop(), if has_room => {
                    requests += 1;
                    last = Instant::now();
                    if !exchange.response.is_closed() {
                        let is_long_poll = exchange.long_poll.is_some();
                        long_polls += usize::from(is_long_poll);
                        calls.push(async move { (is_long_poll, self.call(exchange).await) });
                    }
                }
                () = &mut idle => {
                    // A guest that lets the host get here is not stuck, however long its
                    // calls wait.
                    self.progress.record();
                    if is_empty && last.elapsed() >= IDLE_TIMEOUT && self.is_quiet().await {
                        return Ok(());
                    }
                    rearm(idle.as_mut(), last);
                }
            }
        }
    }

    async fn call(&self, exchange: Exchange) -> wasmtime::Result<Ended> {
        let Exchange {
            request,
            long_poll,
            activity,
            trace,
            mut response,
        } = exchange;
        activity.taken_by(self.progress);
        let timeout = request_timeout(long_poll, self.shared.instances.task_timeout);
        let request = self.accessor.with(|mut access| {
            log_printed(access.get());
            request.into_wit(&mut access)
        })?;
        let handler = self.api.concept_refinement_handler().func_handle();
        let call = self.accessor.with(|mut access| {
            let call = handler.start_call_concurrent(access.as_context_mut(), (request,))?;
            let requests = &access.get().requests;
            let traced = trace.map(|trace| requests.begin(call.task(), trace));
            wasmtime::error::Ok((call, traced))
        });
        let (call, _traced) = call?;
        let answer = tokio::select! {
            biased;
            answer = handler.finish_call_concurrent(self.accessor, call) => answer?.0,
            () = response.closed(), if long_poll.is_some() => return Ok(Ended::Abandoned),
            () = activity.idle_for(timeout) => {
                let _ = response.send(Err(Failure::TimedOut));
                return Ok(Ended::TimedOut);
            }
        };
        let (answer, drained) = self.accessor.with(|mut access| {
            log_printed(access.get());
            from_wit(answer, access)
        })?;
        // The client may have disconnected.
        let _ = response.send(answer);
        Ok(Ended::Answered(drained))
    }

    /// Whether the guest has no background work, such as an event stream, besides its
    /// calls.
    async fn is_quiet(&self) -> bool {
        poll_fn(|cx| Poll::Ready(self.accessor.poll_no_interesting_tasks(cx).is_ready())).await
    }
}

/// If the instance is not idle yet, checks again when it may be.
fn rearm(idle: Pin<&mut Sleep>, last: Instant) {
    let earliest = Instant::now() + Duration::from_secs(1);
    idle.reset((last + IDLE_TIMEOUT).max(earliest));
}
