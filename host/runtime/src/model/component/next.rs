//! The links behind a middleware, as one call of it sees them.
//!
//! Each link has its own instance and store. Only one is called at a time, so that a
//! call has at most one instance per level of the chain.

mod link;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use concept_refinement_capability::model::{
    ImageOrLocation, ModelAnswer, ModelError, ModelRequest, RetryLater,
};
use concept_refinement_capability::payments::Payments;
use futures::future::pending;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::timeout;

use super::held;
use super::link::Link;
use super::run::call;
use crate::metrics::model::outcome;
use crate::metrics::timed::Work;
use crate::model::admission::need;
use crate::model::convert::CallContext;
use crate::model::memory::{Admitted, Try};
use crate::model::replay::Replay;
use crate::model::state::ModelState;

/// How many calls of links one call may make, times the number of its links.
const ASKS: u32 = 4;

/// How long a call waits for the end of the previous one, whose answer was dropped.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// The links behind a middleware, and the state of its current call.
pub struct Next {
    links: Vec<Arc<Link>>,
    state: Option<Arc<ModelState>>,
    /// None: the middleware only describes itself.
    call: Option<Call>,
}

struct Call {
    admitted: Arc<Admitted>,
    retry_later: RetryLater,
    payments: Payments,
    deadline: Instant,
    /// Whether the call is waiting for a link.
    waits: watch::Sender<bool>,
    /// One permit, for the link whose turn it is. It comes back once the instance is gone.
    turn: Arc<Semaphore>,
    /// How often it may ask.
    left: AtomicU32,
    /// A link has crashed or timed out, and none has answered or refused since.
    is_broken: AtomicBool,
}

/// Sets the flag while a link is being called.
struct Waiting<'a>(&'a watch::Sender<bool>);

impl Next {
    /// For a call that calls no link.
    pub fn describing(middleware: &Link) -> Arc<Self> {
        Arc::new(Self {
            links: middleware.behind().to_vec(),
            state: None,
            call: None,
        })
    }

    /// `waits` is set while a link is being called.
    pub fn of(
        middleware: &Link,
        admitted: &Arc<Admitted>,
        request: &Replay,
        waits: watch::Sender<bool>,
    ) -> Arc<Self> {
        let links = middleware.behind().to_vec();
        let count = u32::try_from(links.len()).unwrap_or(u32::MAX);
        Arc::new(Self {
            links,
            state: middleware.state.clone(),
            call: Some(Call {
                admitted: Arc::clone(admitted),
                retry_later: request.retry_later(),
                payments: request.payments(),
                deadline: request.deadline(),
                waits,
                turn: Arc::new(Semaphore::new(1)),
                left: AtomicU32::new(count.saturating_mul(ASKS)),
                is_broken: AtomicBool::new(false),
            }),
        })
    }

    /// Adjusts the error of a middleware according to the models behind it. A middleware
    /// can only report a refusal or that a model was unavailable; if a model was broken,
    /// the whole answer counts as broken, so that nobody tries again.
    pub fn judged(
        &self,
        answer: Result<ModelAnswer, ModelError>,
    ) -> Result<ModelAnswer, ModelError> {
        let is_broken = |call: &Call| call.is_broken.load(Ordering::Relaxed);
        match answer {
            Err(
                ModelError::Refused(reason)
                | ModelError::Unknown(reason)
                | ModelError::Unavailable { reason, .. },
            ) if self.call.as_ref().is_some_and(is_broken) => Err(ModelError::Broken(reason)),
            answer => answer,
        }
    }

    /// Waits until no link has an instance any more.
    pub async fn ended(&self) {
        if let Some(call) = &self.call {
            // It is never closed.
            let _ = call.turn.acquire().await;
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.links.len()).unwrap_or(u32::MAX)
    }

    fn link(&self, index: u32) -> Option<&Arc<Link>> {
        self.links.get(usize::try_from(index).ok()?)
    }

    /// The state that the middleware keeps between calls. None while it describes itself.
    pub fn state(&self) -> Option<&Arc<ModelState>> {
        self.state.as_ref()
    }

    fn has_receipt(&self, index: u32) -> bool {
        let (Some(call), Some(link)) = (&self.call, self.link(index)) else {
            return false;
        };
        link.has_receipt(&call.payments)
    }

    /// The context of the task for which it calls a link.
    fn context(&self) -> CallContext {
        let context = self.call.as_ref().map(|call| CallContext {
            retry_later: call.retry_later.clone(),
            payments: call.payments.clone(),
            deadline: Some(call.deadline),
        });
        context.unwrap_or_default()
    }

    async fn refine(&self, index: u32, request: ModelRequest) -> Result<ModelAnswer, ModelError> {
        let refused = |reason: &str| Err(ModelError::Refused(reason.to_owned()));
        let Some(call) = &self.call else {
            return refused("no model can be asked for a description");
        };
        let Some(link) = self.link(index) else {
            return refused("there is no such model");
        };
        let take = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        if call.left.fetch_update(set, fetch, take).is_err() {
            return refused("the models were asked too often");
        }
        let turn = Arc::clone(&call.turn).acquire_owned();
        let Ok(Ok(turn)) = timeout(TURN_TIMEOUT, turn).await else {
            return refused("a model was asked while another one's answer was not read");
        };
        let waiting = Waiting::begin(&call.waits);
        let measured = link.parts.calls.as_ref().map(Work::begin);
        let answer = match ask(link, request, &call.admitted, turn).await {
            Ok(ModelAnswer {
                image: ImageOrLocation::Location(url),
                ..
            }) if link.is_foreign(&url) => {
                refused("the model answered the address of another one's provider")
            }
            answer => answer,
        };
        if let Some(measured) = measured {
            measured.end(outcome(&answer));
        }
        drop(waiting);
        match &answer {
            Err(ModelError::Broken(_)) => call.is_broken.store(true, Ordering::Relaxed),
            Err(ModelError::Unavailable { .. } | ModelError::Unknown(_)) => {}
            Ok(_) | Err(ModelError::Refused(_) | ModelError::Unauthorized(_)) => {
                call.is_broken.store(false, Ordering::Relaxed);
            }
        }
        answer
    }
}

impl<'a> Waiting<'a> {
    fn begin(waits: &'a watch::Sender<bool>) -> Self {
        waits.send_replace(true);
        Self(waits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// Calls one link, within the memory of the whole call. If there is not enough, the
/// whole call ends and is tried again.
async fn ask(
    link: &Arc<Link>,
    mut request: ModelRequest,
    admitted: &Arc<Admitted>,
    turn: OwnedSemaphorePermit,
) -> Result<ModelAnswer, ModelError> {
    let stopped = || ModelError::Broken("the model was stopped".to_owned());
    let (core, expected) = match link.can_wait() {
        true => (None, 0),
        false => {
            let expected = need(&mut request).await;
            let core = Arc::clone(&link.cores).acquire_owned().await;
            (Some(core.map_err(|_| stopped())?), expected)
        }
    };
    let Some(meter) = admitted.inner_meter(expected) else {
        return pending().await;
    };
    let retry_later = request.retry_later.clone();
    let (sender, answer) = oneshot::channel();
    let call = {
        let (link, admitted) = (Arc::clone(link), Arc::clone(admitted));
        let request = Replay::new(request);
        async move {
            call(link, request, sender, admitted, Some(meter)).await;
            drop((core, turn));
        }
    };
    let call = link.spawn(call);
    match answer.await {
        Ok(Try::PutOff) => pending().await,
        Ok(Try::Answered(answer)) => answer.map(|answer| held(answer, retry_later, call)),
        Err(_) => Err(stopped()),
    }
}
