//! The delivery of webhooks: the loop, and the notifier component.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_capability::Capabilities;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_domain::webhook::ServiceSecrets;
use concept_refinement_runtime::egress::Network;
use concept_refinement_runtime::wasm::bindings::notifier::NotifierComponentPre;
use concept_refinement_runtime::wasm::engine::Engine;
use concept_refinement_runtime::wasm::notifier::NotifierComponent;
use concept_refinement_runtime::wasm::sandbox::Sandbox;

use crate::config::Config;
use crate::loops::deliverer::Deliverer;
use crate::wiring::grants;
use crate::wiring::secret::Secret;

/// Interval of polling when no delivery is known to become due: this process announces
/// its own deliveries, but announcements of other hosts may be lost.
const ALONE: Duration = Duration::from_secs(60);
const SHARED: Duration = Duration::from_secs(5);

/// `is_shared`: other hosts use the same store.
pub async fn deliverer(
    config: &Config,
    secret: &Secret,
    engine: &Engine,
    notifier: NotifierComponentPre<Sandbox>,
    capabilities: &Arc<Capabilities>,
    network: &Network,
    is_shared: bool,
) -> anyhow::Result<Deliverer> {
    let secrets = ServiceSecrets::parse(&grants::webhook_secret(config, secret));
    let granted = grants::notifier(config, network, &capabilities.clock);
    let notifier = NotifierComponent::new(engine.wasmtime(), notifier, granted)
        .await
        .map_err(anyhow::Error::from)
        .context("the notifier component does not fit this host")?;
    Ok(Deliverer {
        host: Arc::clone(capabilities),
        notifier: Arc::new(notifier),
        runtime: Arc::new(Tokio::default()),
        secrets: secrets.map_err(anyhow::Error::msg)?,
        longest: if is_shared { SHARED } else { ALONE },
        metrics: None,
    })
}
