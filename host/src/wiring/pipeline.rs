//! The pipeline: a worker with the processor component, and the model that it uses.

use std::slice;
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_capability::Capabilities;
use concept_refinement_capability::blobs::Blobs;
use concept_refinement_capability::model::{ImageModel, cores};
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::slots::Slots;
use concept_refinement_domain::hex::hex;
use concept_refinement_runtime::egress::Network;
use concept_refinement_runtime::metrics::timed::Work;
use concept_refinement_runtime::model::component::ModelComponent;
use concept_refinement_runtime::model::component::link::{self, Link};
use concept_refinement_runtime::model::machine;
use concept_refinement_runtime::model::memory::ModelMemory;
use concept_refinement_runtime::model::output::Listener;
use concept_refinement_runtime::model::partial_edits::PartialEdits;
use concept_refinement_runtime::model::threads::Threads;
use concept_refinement_runtime::wasm::processor::ProcessorComponent;
use futures::future::BoxFuture;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::config::{Config, ModelLink};
use crate::loops::in_flight::InFlight;
use crate::loops::pending_releases::PendingReleases;
use crate::loops::worker::Worker;
use crate::metrics::{self, Metrics};
use crate::wiring::compiled::{Model, Pipeline};
use crate::wiring::grants;

/// Tasks in flight per concurrent model call: enough to download while others compute,
/// few enough that no task spends its time limit waiting for the model.
const TASKS_PER_CALL: usize = 8;

/// Limit of tasks that wait for a connection without a slot. Each has an instance of the
/// processor, and a socket.
pub const LOANS: usize = 128;

/// Limit of messages that a core waits for at a time: more than are submitted to it
/// during one commit.
const MAX_RECEIVERS: usize = 16;

/// What a pipeline is made of.
pub struct Parts<'a> {
    config: &'a Config,
    compiled: &'a Pipeline,
    network: &'a Network,
    blobs: &'a Arc<Blobs>,
    /// What the instances of models share.
    threads: Arc<Threads>,
    memory: Arc<ModelMemory>,
}

impl<'a> Parts<'a> {
    /// # Errors
    ///
    /// The system has no more threads.
    pub fn new(
        config: &'a Config,
        compiled: &'a Pipeline,
        network: &'a Network,
        blobs: &'a Arc<Blobs>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            config,
            compiled,
            network,
            blobs,
            threads: Arc::new(Threads::start(cores()?)?),
            memory: model_memory(config),
        })
    }

    /// The component that edits a part of an image.
    pub fn partial_edits(&self) -> anyhow::Result<Arc<PartialEdits>> {
        let edits = PartialEdits::new(
            &self.compiled.masked,
            grants::masked(self.config, self.network)?,
            Arc::clone(&self.threads),
            Arc::clone(&self.memory),
        )?;
        Ok(Arc::new(edits))
    }

    /// The model that is given in place of the configured one. Otherwise loads that with all
    /// its links and asks them for their descriptions. `listener`: gets what they print.
    pub async fn model(
        &self,
        given: Option<Arc<dyn ImageModel>>,
        calls: Option<&metrics::Links>,
        listener: Arc<dyn Listener>,
    ) -> anyhow::Result<Arc<dyn ImageModel>> {
        if let Some(given) = given {
            return Ok(given);
        }
        let links = Links {
            parts: self,
            calls,
            listener,
            salt: rand::rng().random(),
        };
        let mut models = self.compiled.models.iter();
        let link = links.link(&self.config.model, &mut models, None);
        let memory = Arc::clone(&self.memory);
        let model = ModelComponent::new(link.await?, self.config.concurrency, memory)?;
        Ok(Arc::new(model))
    }

    pub async fn worker(
        &self,
        capabilities: &Arc<Capabilities>,
        edits: &Arc<PartialEdits>,
        metrics: Option<Arc<Metrics>>,
    ) -> anyhow::Result<Worker> {
        let most = capabilities.model.at_once().saturating_mul(TASKS_PER_CALL);
        let slots = self.config.concurrency.min(most);
        // Half of a core's share, so that some slots are left for faster cores.
        let receivers = slots / concept_refinement_capability::cores::count() / 2;
        let granted = grants::processor(self.config, self.network, capabilities, self.blobs, edits);
        let processor = ProcessorComponent::new(self.compiled.processor.clone(), granted)
            .await
            .context("the processor component does not fit this host")?;
        Ok(Worker {
            host: Arc::clone(capabilities),
            processor: Arc::new(processor),
            runtime: Arc::new(Tokio::default()),
            slots: Slots::new(slots, LOANS),
            receivers: receivers.clamp(1, MAX_RECEIVERS),
            task_timeout: self.config.task_timeout,
            in_flight: InFlight::default(),
            pending_releases: PendingReleases::default(),
            metrics,
        })
    }
}

/// State shared by the links of a model.
struct Links<'a> {
    parts: &'a Parts<'a>,
    calls: Option<&'a metrics::Links>,
    listener: Arc<dyn Listener>,
    salt: [u8; 32],
}

impl Links<'_> {
    /// The link of the next component; those after it are for the links behind it.
    /// `calls`: observes the calls of the middleware in front of it.
    fn link<'a, 'm: 'a>(
        &'a self,
        link: &'a ModelLink,
        models: &'a mut slice::Iter<'m, Model>,
        calls: Option<Work>,
    ) -> BoxFuture<'a, anyhow::Result<Arc<Link>>> {
        Box::pin(async move {
            let model = models
                .next()
                .context("a link of the model has no component")?;
            let mut behind = Vec::new();
            for next in link.behind.iter().flatten() {
                let calls = self.calls.map(|calls| calls.calls_of(&next.name));
                behind.push(self.link(next, models, calls).await?);
            }

            let config = self.parts.config;
            let own = link.origins();
            let mut foreign = config.model.origins();
            foreign.retain(|origin| !own.contains(origin));
            let identity = identity(&self.salt, model, link, &behind);
            let parts = link::Parts {
                grants: grants::model(config, link, self.parts.network, self.parts.blobs)?,
                limit: config.model_timeout,
                threads: Arc::clone(&self.parts.threads),
                behind: link.behind.is_some().then_some(behind),
                calls,
                listener: Arc::clone(&self.listener),
                foreign,
                allowed: config.allowed_sources.clone(),
                name: link.name.clone(),
                text: link.text.clone(),
                identity,
            };
            let made = Link::new(&model.component, parts).await;
            let made = link.named(made);
            match config.model.behind {
                Some(_) => made.with_context(|| format!("the link {}", link.name)),
                None => made,
            }
        })
    }
}

/// A hash that changes with the component, its settings and the links behind it. Without
/// the salt it reveals none of them.
fn identity(salt: &[u8; 32], model: &Model, link: &ModelLink, behind: &[Arc<Link>]) -> String {
    let mut sum = Sha256::new();
    let mut add = |bytes: &[u8]| {
        sum.update((bytes.len() as u64).to_le_bytes());
        sum.update(bytes);
    };
    add(salt);
    add(&model.sum);
    for (name, value) in &link.settings.0 {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    for link in behind {
        add(link.identity().as_bytes());
    }
    hex(&sum.finalize())
}

/// Memory for the instances of all models: as configured, or half of this machine's,
/// which leaves the rest to stores, images and the system.
fn model_memory(config: &Config) -> Arc<ModelMemory> {
    let each = config.model_memory;
    let half = || machine::memory().map_or(u64::MAX, |all| all / 2);
    let total = config.model_memory_total.unwrap_or_else(half).max(each);
    tracing::debug!(bytes = total, "memory for models");
    ModelMemory::new(total, each)
}
