//! Messages that Google Pub/Sub pushes to this process, where the configuration
//! says so.

use std::sync::Arc;

use crate::assembly::grants;
use crate::capability::Capabilities;
use crate::capability::queue::pushes::Pushes;
use crate::config::{Config, Push};
use crate::egress::Network;
use crate::ingress::http::{Proof, PushTrigger};

/// What takes pushes, and the capabilities with a queue that delivers them.
pub fn around(
    config: &Config,
    network: &Network,
    capabilities: Capabilities,
) -> (Option<Arc<PushTrigger>>, Capabilities) {
    let Some(push) = &config.push else {
        return (None, capabilities);
    };
    let proof = proof(push);
    if proof.is_none() && !push.is_pulled {
        tracing::warn!("{UNREACHABLE}");
    }
    let pushes = Arc::<Pushes>::default();
    let trigger = PushTrigger::new(
        proof,
        grants::push_keys(&push.jwks_url, network),
        Arc::clone(&capabilities.clock),
        Arc::clone(&pushes),
    );
    let queue = pushes.beside(Arc::clone(&capabilities.queue));
    let capabilities = Capabilities {
        queue,
        ..capabilities
    };
    (Some(Arc::new(trigger)), capabilities)
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
