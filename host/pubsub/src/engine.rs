//! The queue in Pub/Sub as an engine for the configuration.

use std::sync::Arc;

use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::engine::{EngineConfig, QueueEngine};

use super::api::Api;
use super::{PubSubQueue, Target};

/// `pubsub://PROJECT/TOPIC`
pub const ENGINE: QueueEngine = QueueEngine {
    name: "pubsub://",
    check: |url| Target::topic(url).map(drop).map_err(str::to_owned),
    open: |config, _| {
        Box::pin(async move {
            let queue = PubSubQueue::open(target(&config)?).await?;
            Ok(Arc::new(queue) as _)
        })
    },
    files: None,
    inspect: Some(|config| {
        Box::pin(async move {
            Api::inspect(target(&config)?).await?;
            Ok(String::new())
        })
    }),
};

fn target(config: &EngineConfig) -> Result<Target, OpenError> {
    let endpoint = (config.settings)("pubsub-endpoint").unwrap_or_default();
    let subscription = (config.settings)("pubsub-subscription");
    let target = Target::parse(&config.url, &endpoint, subscription.as_deref());
    let target = target.map_err(|reason| OpenError::server("the queue", reason))?;
    Ok(Target {
        trust: config.trust.clone(),
        ..target
    })
}
