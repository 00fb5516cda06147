//! Messages that Google Pub/Sub pushes to this process, if configured.

use std::sync::Arc;

use concept_refinement_capability::clock::Clock;
use concept_refinement_capability::pause::Pause;
use concept_refinement_capability::queue::pushes::Pushes;
use concept_refinement_runtime::egress::Network;
use concept_refinement_runtime::ingress::http::PushTrigger;

use crate::config::Config;
use crate::wiring::grants;

/// The handler of push requests, and the queue of their messages. None: not configured.
pub fn trigger(
    config: &Config,
    network: &Network,
    clock: &Arc<dyn Clock>,
    pause: &Arc<Pause>,
) -> Option<(Arc<PushTrigger>, Arc<Pushes>)> {
    let push = config.push.as_ref()?;
    if push.proof.is_none() && !push.is_pulled {
        tracing::warn!("{UNREACHABLE}");
    }
    let pushes = Arc::new(Pushes::new(Arc::clone(pause)));
    let trigger = PushTrigger::new(
        push.proof.clone(),
        grants::keys(Some(&push.jwks_url), network),
        Arc::clone(clock),
        Arc::clone(&pushes),
    );
    Some((Arc::new(trigger), pushes))
}

/// For a worker that gets neither valid pushes nor pulls messages.
pub const UNREACHABLE: &str = "no message reaches this worker: set pubsub-audience and \
     pubsub-service-account for pushes, or pubsub-subscription to pull";
