//! Messages that Google Pub/Sub pushes to this process, where the configuration
//! says so.

use std::sync::Arc;

use concept_refinement_capability::clock::Clock;
use concept_refinement_capability::queue::pushes::Pushes;
use concept_refinement_runtime::egress::Network;
use concept_refinement_runtime::ingress::http::{Proof, PushTrigger};

use crate::assembly::grants;
use crate::config::{Config, Push};

/// What takes pushes, and where they wait for a worker. None: nobody pushes.
pub fn trigger(
    config: &Config,
    network: &Network,
    clock: &Arc<dyn Clock>,
) -> Option<(Arc<PushTrigger>, Arc<Pushes>)> {
    let push = config.push.as_ref()?;
    let proof = proof(push);
    if proof.is_none() && !push.is_pulled {
        tracing::warn!("{UNREACHABLE}");
    }
    let pushes = Arc::<Pushes>::default();
    let trigger = PushTrigger::new(
        proof,
        grants::push_keys(&push.jwks_url, network),
        Arc::clone(clock),
        Arc::clone(&pushes),
    );
    Some((Arc::new(trigger), pushes))
}

/// Where no push can prove anything, and nothing is pulled.
pub const UNREACHABLE: &str = "no message reaches this worker: set pubsub-audience and \
     pubsub-service-account for pushes, or pubsub-subscription to pull";

/// None: no push can prove anything, so none is taken.
pub fn proof(push: &Push) -> Option<Proof> {
    Some(Proof {
        audience: push.audience.clone()?,
        account: push.account.clone()?,
    })
}
