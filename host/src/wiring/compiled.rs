//! Compiled components, with the engine that runs them.

use std::iter;
use std::path::PathBuf;

use anyhow::Context as _;
use concept_refinement_runtime::wasm::bindings::api::ApiPre;
use concept_refinement_runtime::wasm::bindings::notifier::NotifierComponentPre;
use concept_refinement_runtime::wasm::bindings::processor::ProcessorComponentPre;
use concept_refinement_runtime::wasm::engine::constant::unmap;
use concept_refinement_runtime::wasm::engine::{Engine, Pool, Tell};
use concept_refinement_runtime::wasm::linker::{api_linker, processor_linker, wasi_linker};
use concept_refinement_runtime::wasm::sandbox::Sandbox;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use super::components::Components;
use super::components::embedded::{CODE, COMPONENTS};
use super::error::HostError;
use super::grants::PROCESSOR_MEMORY;
use crate::config::{Config, ModelLink};

/// How a core module begins.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// All components. The model has not been asked for its description yet.
pub struct Compiled {
    pub api: ApiPre<Sandbox>,
    pub pipeline: Pipeline,
    pub notifier: NotifierComponentPre<Sandbox>,
}

/// The components of the pipeline.
pub struct Pipeline {
    pub processor: ProcessorComponentPre<Sandbox>,
    pub masked: Component,
    /// The model, or all links of its chain in the order of the setting.
    pub models: Vec<Model>,
}

/// A model, or a link of its chain.
#[derive(Clone)]
pub struct Model {
    pub component: Component,
    /// SHA-256 of its bytes.
    pub sum: [u8; 32],
}

impl Compiled {
    /// `model`: the configured components of the model.
    pub fn new(
        engine: &Engine,
        components: &Components,
        model: &ModelLink,
    ) -> anyhow::Result<Self> {
        let api = component(engine, "api", &components.api)?;
        let pipeline = Pipeline::new(engine, components, model)?;
        let api = api_linker(engine.wasmtime())
            .and_then(|linker| linker.instantiate_pre(&api))
            .and_then(|pre| {
                // Not called here, but it is what other platforms call.
                ServicePre::new(pre.clone())?;
                ApiPre::new(pre)
            })
            .map_err(anyhow::Error::from)
            .context("the api component does not fit this host")?;
        let notifier = component(engine, "notifier", &components.notifier)?;
        let notifier = wasi_linker(engine.wasmtime())
            .and_then(|linker| linker.instantiate_pre(&notifier))
            .and_then(NotifierComponentPre::new)
            .map_err(anyhow::Error::from)
            .context("the notifier component does not fit this host")?;
        Ok(Self {
            api,
            pipeline,
            notifier,
        })
    }
}

impl Pipeline {
    /// `model`: the configured components of the model.
    pub fn new(
        engine: &Engine,
        components: &Components,
        model: &ModelLink,
    ) -> anyhow::Result<Self> {
        let processor = component(engine, "processor", &components.processor)?;
        let mut chosen = model.links().into_iter();
        let given = iter::once(&components.model).chain(&components.links);
        let models = given.map(|bytes| match chosen.next() {
            Some(link) => link.named(Model::new(engine, &link.component_name(), bytes)),
            None => Model::new(engine, "model", bytes),
        });
        let models = models.collect::<anyhow::Result<_>>()?;
        let processor = processor_linker(engine.wasmtime())
            .and_then(|linker| linker.instantiate_pre(&processor))
            .and_then(ProcessorComponentPre::new)
            .map_err(anyhow::Error::from)
            .context("the processor component does not fit this host")?;
        Ok(Self {
            processor,
            masked: component(engine, "masked", &components.masked)?,
            models,
        })
    }
}

impl Model {
    fn new(engine: &Engine, name: &str, bytes: &[u8]) -> anyhow::Result<Self> {
        let component = match bytes.starts_with(CORE_MODULE) {
            true => Err(anyhow::anyhow!(
                "it is a core module, of which `wasm-tools component new` makes a component"
            )),
            false => engine
                .component(&format!("the model {name}"), bytes)
                .map_err(with_setting),
        };
        Ok(Self {
            component: component.context("the model component cannot be compiled")?,
            sum: Sha256::digest(bytes).into(),
        })
    }
}

/// Names the setting that an engine's error is about, if it is one.
fn with_setting(error: anyhow::Error) -> anyhow::Error {
    // wasmtime has no error type for this.
    match format!("{error:#}").contains("module memory does not fit") {
        true => error.context("it begins with more memory than it may have (model-memory)"),
        false => error,
    }
}

/// Room for so many instances of the pipeline's components at a time.
pub fn pool(instances: usize, config: &Config) -> anyhow::Result<Pool> {
    let instances = u32::try_from(instances)?;
    Ok(Pool {
        instances,
        calls: instances,
        max_memory: usize::try_from(config.model_memory)?.max(PROCESSOR_MEMORY),
    })
}

/// Starts an engine, which lives as long as what is compiled for it, on a thread that may
/// block: compiling on this one would delay the handling of signals. `cache`: a directory
/// for compiled code; if it is not usable, there is no cache. `tell`: gets messages about
/// slow compilations instead of the log.
pub async fn compile<T: Send + 'static>(
    pool: Pool,
    cache: Option<PathBuf>,
    tell: Option<Tell>,
    compile: impl FnOnce(&Engine) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, HostError> {
    let compiling = move || {
        let engine = Engine::new(pool, cache.as_deref(), CODE).map_err(HostError::System)?;
        let engine = match tell {
            Some(tell) => engine.telling(tell),
            None => engine,
        };
        let compiled = compile(&engine).map_err(HostError::Component)?;
        // The embedded components were read for their hashes, and need no memory any more.
        for (_, component) in COMPONENTS {
            unmap(component);
        }
        Ok(compiled)
    };
    let compiled = tokio::task::spawn_blocking(compiling).await;
    compiled.map_err(|error| HostError::System(error.into()))?
}

/// Compiles a component, or loads the code compiled before.
pub fn component(engine: &Engine, name: &str, bytes: &[u8]) -> anyhow::Result<Component> {
    engine
        .component(&format!("the component {name}"), bytes)
        .with_context(|| format!("the {name} component cannot be compiled"))
}
