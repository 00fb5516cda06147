//! The pipeline: a worker with the processor component, and the model that it
//! asks.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::Component;

use crate::assembly::grants;
use crate::capability::Capabilities;
use crate::capability::model::component::ModelComponent;
use crate::capability::model::memory::ModelMemory;
use crate::capability::model::{ImageModel, machine};
use crate::config::Config;
use crate::egress::Network;
use crate::loops::pending_releases::PendingReleases;
use crate::loops::slots::Slots;
use crate::loops::worker::Worker;
use crate::metrics::Metrics;
use crate::runtime::Tokio;
use crate::wasm::bindings::processor::ProcessorComponentPre;
use crate::wasm::engine::Engine;
use crate::wasm::processor::ProcessorComponent;
use crate::wasm::sandbox::Sandbox;

/// Tasks in flight per concurrent call of the model: enough to download while
/// others compute, few enough that no task spends its deadline waiting for the
/// model.
const TASKS_PER_CALL: usize = 8;

/// Tasks that wait for a connection without a slot. Each has an instance of the
/// processor, and a socket.
pub const LOANS: usize = 128;

/// Loads the model component and lets it describe itself.
pub async fn model(
    config: &Config,
    engine: &Engine,
    component: &Component,
    network: &Network,
) -> anyhow::Result<Arc<dyn ImageModel>> {
    let model = ModelComponent::new(
        engine.wasmtime(),
        component,
        grants::model(config, network)?,
        config.model_timeout,
        config.concurrency,
        model_memory(config),
    );
    Ok(Arc::new(model.await?))
}

/// For the instances of all models: as configured, or half of the memory of this
/// machine, so that stores, images and the system have the rest.
fn model_memory(config: &Config) -> Arc<ModelMemory> {
    let each = config.model_memory;
    let half = || machine::memory().map_or(u64::MAX, |all| all / 2);
    let total = config.model_memory_total.unwrap_or_else(half).max(each);
    tracing::debug!(bytes = total, "memory for models");
    ModelMemory::new(total, each)
}

/// `directory` is for images that tasks work on; without one they are in memory.
pub fn worker(
    config: &Config,
    engine: &Engine,
    processor: &ProcessorComponentPre<Sandbox>,
    capabilities: &Arc<Capabilities>,
    network: &Network,
    directory: Option<PathBuf>,
    metrics: Option<Arc<Metrics>>,
) -> anyhow::Result<Worker> {
    let most = capabilities.model.at_once().saturating_mul(TASKS_PER_CALL);
    let grants = grants::processor(config, network, capabilities, directory);
    let processor = ProcessorComponent::new(engine.wasmtime(), processor, grants)?;
    Ok(Worker {
        host: Arc::clone(capabilities),
        processor: Arc::new(processor),
        runtime: Arc::new(Tokio::default()),
        slots: Slots::new(config.concurrency.min(most), LOANS),
        task_timeout: config.task_timeout,
        pending_releases: PendingReleases::default(),
        metrics,
    })
}
