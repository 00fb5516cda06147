//! The last known states of the capabilities, so that a readiness request causes no work:
//! probing a store writes to it.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityState;
use concept_refinement_domain::sentence::TASK_STORE_FULL;
use concept_refinement_domain::timestamp::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::intercept::{Interceptor, Operations};
use crate::{Answer, Capabilities, Clock};

/// How long a refusal for lack of room counts: readiness has to follow a change within 15 s.
const REFUSAL_COUNTS: Duration = Duration::from_secs(10);

/// The last result of probing, and what calls have shown since.
#[derive(Debug, Default)]
pub struct Probes {
    /// None: there is no background probe.
    states: Mutex<Option<Vec<CapabilityState>>>,
    failed: Notify,
    /// When the task store last refused something for lack of room, which a probe need not
    /// meet: it takes none.
    refused_for_room: Mutex<Option<Timestamp>>,
}

/// Notices failing calls.
struct Watch {
    probes: Arc<Probes>,
    clock: Arc<dyn Clock>,
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

    /// Whether the task store has lately refused something for lack of room.
    pub fn has_refused_for_room(&self, now: Timestamp) -> bool {
        counts(*self.refused_for_room.lock(), now)
    }

    /// Wraps the stores so that failing calls are noticed.
    pub fn around(capabilities: Capabilities) -> Capabilities {
        let watch = Watch {
            probes: Arc::clone(&capabilities.probes),
            clock: Arc::clone(&capabilities.clock),
        };
        capabilities.behind(Arc::new(watch))
    }
}

/// Whether a refusal still counts. One of the future does not: the clock was set back.
fn counts(refused: Option<Timestamp>, now: Timestamp) -> bool {
    refused.is_some_and(|at| at <= now && now.since(at) < REFUSAL_COUNTS)
}

impl<C: Operations + ?Sized> Interceptor<C> for Watch {
    fn intercept<'a>(
        &'a self,
        operation: C::Operation<'a>,
        inner: &'a Arc<C>,
    ) -> Answer<'a, C::Reply> {
        let call = inner.run(operation);
        Box::pin(async move {
            let reply = call.await;
            // A repeatable error is the store's; another is the request's.
            if let Err(error) = &reply
                && error.is_repeatable()
            {
                if error.message == TASK_STORE_FULL {
                    *self.probes.refused_for_room.lock() = Some(self.clock.now());
                }
                self.probes.failed.notify_one();
            }
            reply
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_lack_of_room_counts_for_a_while() {
        for (name, refused, now, expected) in [
            ("none", None, 100, false),
            ("just now", Some(100), 100, true),
            ("lately", Some(100), 109, true),
            ("too long ago", Some(100), 110, false),
            ("before the clock was set back", Some(100), 99, false),
        ] {
            let refused = refused.map(Timestamp::from_secs);
            assert_eq!(
                counts(refused, Timestamp::from_secs(now)),
                expected,
                "{name}"
            );
        }
    }
}
