//! The API component behind its own `handler`: one call a request.
//!
//! Requests wait in a queue, from which instances take them. An instance that
//! computes takes none, and after a while another one is started.

mod exchange;
mod instance;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime_wasi_http::WasiBody;

use super::activity::Activity;
use super::door::Failure;
use super::instances::ApiInstances;
use crate::wasm::bindings::api::ApiPre;
use crate::wasm::sandbox::Sandbox;
use exchange::{Exchange, Received};
use queue::Queue;

/// How long a request waits for an instance.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits before one more instance is started.
const START_DELAY: Duration = Duration::from_millis(20);

/// Hands requests to instances.
pub struct Handler(Arc<Shared>);

struct Shared {
    instances: Arc<ApiInstances>,
    pre: ApiPre<Sandbox>,
    queue: Queue<Exchange>,
    /// Instances that run, or are being started.
    count: AtomicUsize,
    is_starting: AtomicBool,
}

impl Handler {
    /// An error: the component has no such export.
    pub fn new(instances: Arc<ApiInstances>) -> wasmtime::Result<Self> {
        let pre = ApiPre::new(instances.pre.instance_pre().clone())?;
        Ok(Self(Arc::new(Shared {
            instances,
            pre,
            queue: Queue::default(),
            count: AtomicUsize::default(),
            is_starting: AtomicBool::default(),
        })))
    }

    pub fn instances(&self) -> &ApiInstances {
        &self.0.instances
    }

    pub async fn handle(
        &self,
        activity: Activity,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Failure> {
        let (sender, mut response) = oneshot::channel();
        self.0.queue.push(Exchange {
            request: Received::of(request).await,
            activity: activity.clone(),
            response: sender,
        });
        if self.0.count.load(Ordering::Relaxed) == 0 {
            self.start_instance();
        }
        let begin = Instant::now();
        loop {
            match timeout(START_DELAY, &mut response).await {
                Ok(response) => return response.unwrap_or(Err(Failure::Ended)),
                Err(_) if activity.is_taken() => {
                    return response.await.unwrap_or(Err(Failure::Ended));
                }
                Err(_) if begin.elapsed() >= INSTANCE_TIMEOUT => return Err(Failure::Overloaded),
                Err(_) => self.start_instance(),
            }
        }
    }

    /// Starts one, unless one is being started or there are as many as there may
    /// be.
    fn start_instance(&self) {
        if self.0.is_starting.swap(true, Ordering::Relaxed) {
            return;
        }
        match self.0.instances.slot() {
            Some(slot) => drop(tokio::spawn(instance::run(Arc::clone(&self.0), slot))),
            None => self.0.is_starting.store(false, Ordering::Relaxed),
        }
    }
}
