//! The queue in JetStream as an engine for the configuration.

use std::sync::Arc;

use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::engine::{EngineConfig, QueueEngine};

use super::connection::Connection;
use super::{Address, NatsQueue};

/// `nats://…`
pub const ENGINE: QueueEngine = engine("nats://");

/// `tls://…`: the same with TLS, where each server has to prove its identity.
pub const ENGINE_TLS: QueueEngine = engine("tls://");

const fn engine(name: &'static str) -> QueueEngine {
    QueueEngine {
        name,
        check: |url| Address::parse(url).map(drop),
        open: |config, _| {
            Box::pin(async move {
                let queue = NatsQueue::open(address(&config)?).await?;
                Ok(Arc::new(queue) as _)
            })
        },
        files: None,
        inspect: Some(|config| {
            Box::pin(async move { Connection::inspect(address(&config)?).await })
        }),
    }
}

fn address(config: &EngineConfig) -> Result<Address, OpenError> {
    let address = Address::parse(&config.url)
        .map_err(|problem| OpenError::server("the queue", format!("its URL {problem}")))?;
    Ok(Address {
        trust: config.trust.clone(),
        ..address
    })
}
