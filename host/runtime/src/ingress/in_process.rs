//! Requests of the embedding program itself, which need none of a network's checks.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::cores::Cores;
use http::{Request, Response};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::WasiBody;

use super::activity::Activity;
use super::failure::Failure;
use super::handler::Handler;
use super::http::body::bounded;
use crate::body::{guarded, whole};

/// Hands requests to instances on all cores.
pub struct InProcess {
    /// One per core.
    handlers: Vec<Handler>,
    cores: Arc<Cores>,
    calls: Arc<Semaphore>,
}

impl InProcess {
    /// Most requests at a time, answers that are being read included.
    pub const CALLS: usize = 256;

    /// `handlers`: one per core.
    pub fn new(handlers: Vec<Handler>, cores: Arc<Cores>) -> Self {
        Self {
            handlers,
            cores,
            calls: Arc::new(Semaphore::new(Self::CALLS)),
        }
    }

    /// Answers a request, whose target must have scheme and authority. Requests beyond the
    /// limit are refused, since those in progress may wait for the one that is refused.
    ///
    /// # Errors
    ///
    /// There are too many requests, the component failed, or the host has been stopped.
    pub async fn answer(&self, request: Request<Bytes>) -> Result<Response<WasiBody>, Failure> {
        let calls = Arc::clone(&self.calls);
        let permit = calls.try_acquire_owned();
        let permit = permit.map_err(|_| Failure::Overloaded)?;
        let (index, core, load) = self.cores.least_loaded();
        let handler = self.handlers.get(index).cloned().ok_or(Failure::Ended)?;
        let answer = async move {
            let activity = Activity::begin();
            let request = bounded(request.map(whole), u64::MAX, activity.clone());
            handler.handle(activity, request, None).await
        };
        let answered = AbortOnDropHandle::new(core.runtime().spawn(answer)).await;
        let response = answered.unwrap_or(Err(Failure::Ended))?;
        Ok(response.map(|body| guarded(body, (permit, load))))
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        for handler in &self.handlers {
            handler.stop();
        }
    }
}
