//! The pipeline without a service: the same processor and model components, run
//! for one image at a time on capabilities in memory.
//!
//! Nothing is listened on and nothing outlives it: an image is let go of when its
//! refinement ends, and all the rest with the [`Refiner`].

pub mod request;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::capability::{
    ImageKind, NewImage, NewTask, StoredOrNot, Submission,
};
use concept_refinement_domain::image::{Format, Inspector, Limits};
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Change, Refinement, Stage, Task};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use crate::assembly::builder::HostBuilder;
use crate::assembly::compiled::{Pipeline, compile};
use crate::assembly::grants::PROCESSOR_MEMORY;
use crate::assembly::{capabilities, pipeline};
use crate::capability::Capabilities;
use crate::egress::Network;
use crate::loops::processor::Outcome;
use crate::loops::worker::Worker;
use crate::wasm::engine::{Engine, Pool};
use request::{RefineError, Refined, Source, Words, check};

/// Refinements at once: they wait for a provider, or for a core.
const AT_ONCE: usize = 4;

/// Each holds a processor and a model; the model was asked what it is besides.
const INSTANCES: u32 = 2 * AT_ONCE as u32 + 1;

/// More than any format begins with, in bytes.
const SIGNATURE: usize = 64;

/// A pipeline without a service. Dropping it ends what it does.
///
/// ```no_run
/// # use concept_refinement_host::{HostBuilder, Refined, Source, Words};
/// # async fn refine(builder: HostBuilder, bytes: Vec<u8>) -> anyhow::Result<Refined> {
/// let refiner = builder.refiner(None).await?;
/// let words = Words {
///     prompt: "make it brighter".to_owned(),
///     ..Words::default()
/// };
/// let refined = refiner
///     .refine(Source::Image(bytes.into()), &words, |stage| println!("{stage:?}"))
///     .await?;
/// # Ok(refined)
/// # }
/// ```
pub struct Refiner {
    worker: Worker,
    capabilities: Arc<Capabilities>,
    allowed_sources: AllowedSources,
    /// Ends last: instances run on it.
    _engine: Engine,
}

impl HostBuilder {
    /// Compiles the pipeline, without a service around it. Nothing of the
    /// configuration that concerns a service matters, the data directory
    /// included. `cache`: a directory for compiled code, which is gone without
    /// where it cannot be used.
    ///
    /// # Errors
    ///
    /// A component does not fit this host.
    pub async fn refiner(self, cache: Option<PathBuf>) -> anyhow::Result<Refiner> {
        let Self {
            mut config,
            components,
            model,
            clock,
            resolver,
            map_capabilities,
            ..
        } = self;
        // There is no service that a provider could fetch an upload from.
        config.public_url = None;
        let pool = Pool {
            instances: INSTANCES,
            calls: INSTANCES,
            max_memory: usize::try_from(config.model_memory)?.max(PROCESSOR_MEMORY),
        };
        let compiled = move |engine: &_| Pipeline::new(engine, &components);
        let (engine, compiled) = compile(pool, cache, compiled).await?;
        let network = Network::new(resolver)?;
        let model = match model {
            Some(model) => model,
            None => pipeline::model(&config, &engine, &compiled.model, &network).await?,
        };
        let in_memory = capabilities::in_memory(&config, model, clock)?;
        let capabilities = Arc::new(map_capabilities(in_memory));
        let processor = compiled.processor;
        let worker = pipeline::worker(&config, &engine, processor, &capabilities, &network, None);
        Ok(Refiner {
            worker,
            capabilities,
            allowed_sources: config.allowed_sources,
            _engine: engine,
        })
    }
}

impl Refiner {
    /// How many refinements can run at once: more would only wait.
    pub fn at_once(&self) -> usize {
        self.capabilities.model.at_once().clamp(1, AT_ONCE)
    }

    /// Refines one image. `began` is called with each stage as it begins.
    ///
    /// # Errors
    ///
    /// The request is not valid, or its refinement failed, with a sentence for
    /// the person who asked.
    pub async fn refine(
        &self,
        source: Source,
        words: &Words,
        began: impl FnMut(Stage),
    ) -> Result<Refined, RefineError> {
        // One task a user: each has a user of its own, who has nothing else.
        let user = Uuid::now_v7().to_string();
        let (refinement, upload) = match source {
            Source::Url(url) => (check(words, Some(&url), &self.allowed_sources)?, None),
            Source::Image(bytes) => {
                let mut refinement = check(words, None, &self.allowed_sources)?;
                let (path, url) = self.upload(&user, bytes).await?;
                refinement.original_image_url = url;
                (refinement, Some(path))
            }
        };
        let refined = self.run(&user, refinement, upload.clone(), began).await;
        if let Some(path) = upload {
            self.capabilities.images.delete(&path).await?;
        }
        refined
    }

    async fn upload(&self, user: &str, bytes: Bytes) -> Result<(String, String), RefineError> {
        let image = NewImage {
            kind: ImageKind::Upload,
            name: "original".to_owned(),
            owner: user.to_owned(),
            media_type: format_of(&bytes).media_type().to_owned(),
            length: bytes.len() as u64,
            metadata: Vec::new(),
            at_most: None,
        };
        let contents = stream::iter([Ok(bytes)]).boxed();
        match self.capabilities.images.put(image, contents).await? {
            StoredOrNot::Stored(stored) => Ok((stored.path, stored.url)),
            StoredOrNot::TooMany | StoredOrNot::WrongLength => Err(unexpected()),
        }
    }

    async fn run(
        &self,
        user: &str,
        refinement: Refinement,
        original_path: Option<String>,
        mut began: impl FnMut(Stage),
    ) -> Result<Refined, RefineError> {
        let tasks = self.capabilities.tasks();
        let id = Uuid::now_v7().to_string();
        let task = NewTask {
            id: id.clone(),
            user_id: user.to_owned(),
            is_anonymous: true,
            refinement,
            original_path,
            original_found: true,
            idempotency_key: None,
            quota: None,
        };
        let Submission::Created(accepted) = tasks.submit(task).await? else {
            return Err(unexpected());
        };
        let changes = tasks.watch(user, &id).await?.ok_or_else(unexpected)?;
        let watching = async {
            let mut changes = changes;
            while let Some(change) = changes.next().await {
                if let Change::Progress(stage) = change {
                    began(stage);
                }
            }
            std::future::pending::<()>().await;
        };
        let message = message_for(&accepted.task);
        let outcome = {
            let mut processing = pin!(self.worker.once(&id, &message));
            tokio::select! {
                outcome = &mut processing => outcome,
                () = watching => return Err(unexpected()),
            }
        };
        match outcome {
            Ok(Outcome::Done) => {}
            Ok(Outcome::RetryLater(reason)) => return Err(RefineError::Failed(reason)),
            Ok(Outcome::Skipped | Outcome::Rejected(_)) => return Err(unexpected()),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the processor ended early");
                return Err(RefineError::Failed("the processor crashed".to_owned()));
            }
        }
        let task = tasks.get(user, &id).await?.ok_or_else(unexpected)?;
        self.taken(task).await
    }

    /// The image of a task that has ended, taken out of the store.
    async fn taken(&self, task: Task) -> Result<Refined, RefineError> {
        let Some(path) = task.image_path else {
            let message = task.error_message.unwrap_or_default();
            return Err(RefineError::Failed(sentence::reason(&message).to_owned()));
        };
        let images = &self.capabilities.images;
        let (info, contents) = images.get(&path, None).await?.ok_or_else(unexpected)?;
        let bytes = contents
            .try_fold(Vec::new(), async |mut bytes, piece| {
                bytes.extend_from_slice(&piece);
                Ok(bytes)
            })
            .await?;
        images.delete(&path).await?;
        Ok(Refined {
            format: Format::from_media_type(&info.media_type).ok_or_else(unexpected)?,
            bytes: bytes.into(),
        })
    }
}

/// By its first bytes. What is no image gets any: the pipeline refuses it.
fn format_of(bytes: &[u8]) -> Format {
    let mut inspector = Inspector::new(Limits {
        max_bytes: u64::MAX,
        max_pixels: u64::MAX,
    });
    let beginning = bytes.get(..SIGNATURE).unwrap_or(bytes);
    // Problems are told by the pipeline, all in one place.
    let _ = inspector.push(beginning);
    inspector.format().unwrap_or(Format::Png)
}

fn unexpected() -> RefineError {
    RefineError::Failed("the pipeline did not do as it promises".to_owned())
}
