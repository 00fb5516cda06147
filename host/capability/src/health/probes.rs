//! The last known states of the capabilities, so that a readiness request causes no work:
//! probing a store writes to it.

use std::sync::Arc;

use concept_refinement_domain::capability::{CapabilityError, CapabilityState, ErrorKind};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::intercept::{Interceptor, Operations};
use crate::{Answer, Capabilities};

/// The last result of probing, and a signal that a call has failed since.
#[derive(Debug, Default)]
pub struct Probes {
    /// None: there is no background probe.
    states: Mutex<Option<Vec<CapabilityState>>>,
    failed: Notify,
}

impl Probes {
    /// The last result.
    pub fn states(&self) -> Option<Vec<CapabilityState>> {
        self.states.lock().clone()
    }

    /// Records the result of a probe.
    pub fn found(&self, found: Vec<CapabilityState>) {
        *self.states.lock() = Some(found);
    }

    /// Completes when a call has failed since the last time this completed.
    pub async fn failure(&self) {
        self.failed.notified().await;
    }

    /// Wraps the stores so that failing calls are noticed.
    pub fn around(capabilities: Capabilities) -> Capabilities {
        let probes = Arc::clone(&capabilities.probes);
        capabilities.behind(probes)
    }
}

/// Whether the error means that the store cannot be used, rather than that the request
/// was invalid.
fn is_of_the_store(error: &CapabilityError) -> bool {
    match error.kind {
        ErrorKind::Unavailable | ErrorKind::Full => true,
        ErrorKind::Invalid => false,
    }
}

impl<C: Operations + ?Sized> Interceptor<C> for Probes {
    fn intercept<'a>(
        &'a self,
        operation: C::Operation<'a>,
        inner: &'a Arc<C>,
    ) -> Answer<'a, C::Reply> {
        let call = inner.run(operation);
        Box::pin(async move {
            let reply = call.await;
            if reply.as_ref().is_err_and(is_of_the_store) {
                self.failed.notify_one();
            }
            reply
        })
    }
}
