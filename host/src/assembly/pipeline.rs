//! The pipeline of one host: a worker with the processor component, and the
//! model component that it asks.

use std::sync::Arc;

use anyhow::Context as _;
use wasmtime::component::Component;

use crate::capability::Capabilities;
use crate::capability::model::component::ModelComponent;
use crate::config::Config;
use crate::egress::{Bounds, Egress, Grant, Network};
use crate::loops::unreleased::Unreleased;
use crate::loops::worker::Worker;
use crate::metrics::Metrics;
use crate::runtime::Tokio;
use crate::wasm::bindings::processor::ProcessorComponentPre;
use crate::wasm::engine::Engine;
use crate::wasm::processor::ProcessorComponent;
use crate::wasm::sandbox::{GrantedSettings, Grants, processor_linker};

/// What an instance of the processor may grow to, in bytes: an original and a
/// model's answer at their largest, and room to work.
pub const PROCESSOR_MEMORY: usize = 96 << 20;

/// Tasks in flight for each call of the model that can run: enough to download
/// while others compute, few enough that none spends its time waiting.
const IN_LINE: usize = 8;

/// Compiles a component. It takes a while, unless it was compiled before.
pub fn component(engine: &Engine, name: &str, bytes: &[u8]) -> anyhow::Result<Component> {
    engine
        .component(bytes)
        .with_context(|| format!("the {name} component cannot be compiled"))
}

pub fn worker(
    config: &Config,
    engine: &wasmtime::Engine,
    processor: &Component,
    capabilities: &Arc<Capabilities>,
    network: &Network,
    metrics: Option<Arc<Metrics>>,
) -> anyhow::Result<Worker> {
    let grant = Grant::Public {
        allowed: config.allowed_sources.clone(),
        provider: config.model_origin.clone(),
    };
    let grants = Grants {
        settings: Arc::new(processor_settings(config)),
        egress: Egress::new(grant, network).within(Bounds::beyond(config.task_timeout)),
        max_memory: PROCESSOR_MEMORY,
        capabilities: Some(Arc::clone(capabilities)),
        watchers: Arc::default(),
    };
    Ok(Worker {
        host: Arc::clone(capabilities),
        processor: Arc::new(ProcessorComponent {
            engine: engine.clone(),
            pre: processor_pre(engine, processor)?,
            grants,
        }),
        runtime: Arc::new(Tokio::default()),
        concurrency: config
            .concurrency
            .min(capabilities.model.at_once().saturating_mul(IN_LINE)),
        task_timeout: config.task_timeout,
        unreleased: Unreleased::default(),
        metrics,
    })
}

pub fn processor_pre(
    engine: &wasmtime::Engine,
    processor: &Component,
) -> anyhow::Result<ProcessorComponentPre<crate::wasm::sandbox::Sandbox>> {
    processor_linker(engine)
        .and_then(|linker| linker.instantiate_pre(processor))
        .and_then(ProcessorComponentPre::new)
        .map_err(anyhow::Error::from)
        .context("the processor component does not fit this host")
}

/// The model component, which has described itself.
pub async fn model(
    config: &Config,
    engine: &wasmtime::Engine,
    model: &Component,
    network: &Network,
) -> anyhow::Result<ModelComponent> {
    let grant = match &config.model_origin {
        Some(origin) => Grant::Origin(origin.clone()),
        None => Grant::Nothing,
    };
    let grants = Grants {
        settings: Arc::new(granted(config, &["model-url", "model-api-key"])),
        egress: Egress::new(grant, network).within(Bounds::beyond(config.model_timeout)),
        max_memory: usize::try_from(config.model_memory)?,
        capabilities: None,
        watchers: Arc::default(),
    };
    ModelComponent::new(
        engine,
        model,
        grants,
        config.model_timeout,
        config.concurrency,
    )
    .await
}

/// The values of these settings, where they are set.
pub fn granted(config: &Config, names: &[&'static str]) -> GrantedSettings {
    names
        .iter()
        .filter_map(|name| Some((*name, config.values.get(name)?.to_owned())))
        .collect()
}

fn processor_settings(config: &Config) -> GrantedSettings {
    let mut settings = granted(
        config,
        &[
            "allow-sources",
            "download-timeout",
            "max-image-bytes",
            "max-image-pixels",
            "model-url",
            "task-timeout",
        ],
    );
    if let Some(public_url) = &config.public_url {
        settings.insert("public-url", public_url.clone());
    }
    // The host itself limits each call of the model, from when it runs: a call
    // that waits for a core is not a model that hangs.
    if let Some(limit) = config.values.get("task-timeout") {
        settings.insert("model-timeout", limit.to_owned());
    }
    settings
}
