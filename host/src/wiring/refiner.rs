//! The pipeline without a service: the same processor and model components, run for one
//! image at a time on in-memory capabilities.
//!
//! It opens no listener and leaves nothing behind: what a refinement stored is erased when
//! it ends, also if nobody waits for its end.

pub mod request;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::Capabilities;
use concept_refinement_capability::processor::Outcome;
use concept_refinement_domain::capability::{
    ImageKind, ImageLength, NewImage, NewTask, StoredOrNot, Submission,
};
use concept_refinement_domain::image::{Format, Problem};
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Change, Refinement, Stage, Task};
use concept_refinement_runtime::egress::Network;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::image_file::format_of_bytes;
use crate::loops::worker::Worker;
use crate::wiring::builder::HostBuilder;
use crate::wiring::compiled::{Pipeline, compile, pool};
use crate::wiring::components::Components;
use crate::wiring::pipeline::Parts;
use crate::wiring::{HostError, capabilities, grants};
use request::{OriginalImage, RefineError, RefineRequest, RefinedImage, check};

/// Limit of concurrent refinements, which wait for a provider or a core.
const AT_ONCE: usize = 4;

/// A pipeline without a service. Dropping it ends what it does.
///
/// ```no_run
/// # use concept_refinement_host::{HostBuilder, RefineRequest, RefinedImage};
/// # async fn refine(builder: HostBuilder, bytes: Vec<u8>) -> anyhow::Result<RefinedImage> {
/// let refiner = builder.refiner(None).await?;
/// let request = RefineRequest::new("make it brighter");
/// let refined = refiner
///     .refine(bytes, &request, |stage| println!("{stage:?}"))
///     .await?;
/// # Ok(refined)
/// # }
/// ```
pub struct Refiner {
    worker: Worker,
    capabilities: Arc<Capabilities>,
    allowed_sources: AllowedSources,
    /// The largest image that is given as bytes.
    max_bytes: u64,
}

/// Whose one task a refinement is: a user may have one that is active. Dropping it erases
/// what it stored.
struct User {
    id: String,
    capabilities: Arc<Capabilities>,
}

impl HostBuilder {
    /// Compiles the pipeline without a service. Settings of the service,
    /// including the data directory, are ignored. `cache` is a directory for
    /// compiled code; if it cannot be used, code is compiled each time.
    ///
    /// # Errors
    ///
    /// A component does not fit this host, or the system lacks resources.
    /// [`HostError::is_repeatable`] says whether another attempt can help.
    pub async fn refiner(self, cache: Option<PathBuf>) -> Result<Refiner, HostError> {
        let Self {
            mut config,
            components,
            model,
            clock,
            resolver,
            map_capabilities,
            on_compiling,
            on_output,
            ..
        } = self;
        let components = Components::or_built_in(components, &config)?;
        // A provider cannot fetch an upload, since there is no service.
        config.public_url = None;
        // Each refinement has an instance of the processor and one of each link of
        // the model, and may have one that edits a part; one more describes a model.
        let each = config.model.depth().saturating_add(2);
        let instances = AT_ONCE.saturating_mul(each).saturating_add(1);
        let pool = pool(instances, &config).map_err(HostError::System)?;
        let link = config.model.clone();
        let compiled = move |engine: &_| Pipeline::new(engine, &components, &link);
        let compiled = compile(pool, cache, on_compiling, compiled).await?;
        let network = Network::new(resolver, &config.trust)
            .map_err(|error| HostError::System(error.into()))?;
        let blobs = grants::blobs(&config, None, &Arc::default());
        let pipeline = Parts::new(&config, &compiled, &network, &blobs);
        let pipeline = pipeline.map_err(HostError::System)?;
        let edits = pipeline.partial_edits().map_err(HostError::Component)?;
        let model = pipeline.model(model, None, on_output).await;
        let model = model.map_err(HostError::Component)?;
        let in_memory = capabilities::in_memory(&config, model, clock)?;
        let capabilities = Arc::new(map_capabilities(in_memory));
        let worker = pipeline.worker(&capabilities, &edits, None).await;
        let worker = worker.map_err(HostError::Component)?;
        Ok(Refiner {
            worker,
            capabilities,
            allowed_sources: config.allowed_sources,
            max_bytes: config.max_image_bytes,
        })
    }
}

impl Refiner {
    /// How many refinements can run at a time; more would only wait.
    pub fn at_once(&self) -> usize {
        self.capabilities.model.at_once().clamp(1, AT_ONCE)
    }

    /// Refines one image. `began` is called with each stage as it begins.
    ///
    /// # Errors
    ///
    /// The request is invalid, or its refinement failed. The message is for the user.
    pub async fn refine(
        &self,
        original: impl Into<OriginalImage>,
        request: &RefineRequest,
        began: impl FnMut(Stage),
    ) -> Result<RefinedImage, RefineError> {
        let original = original.into();
        let url = match &original {
            OriginalImage::Url(url) => Some(url.as_str()),
            OriginalImage::Bytes(_) => None,
        };
        let (allowed, limit) = (&self.allowed_sources, self.worker.task_timeout);
        let refinement = check(request, url, allowed, limit)?;
        let mask = request.mask.clone();
        self.refine_checked(original, mask, refinement, began).await
    }

    /// The same of what was checked. The addresses of images that are bytes are not known yet.
    pub(crate) async fn refine_checked(
        &self,
        original: OriginalImage,
        mask: Option<OriginalImage>,
        mut refinement: Refinement,
        began: impl FnMut(Stage),
    ) -> Result<RefinedImage, RefineError> {
        let user = User {
            id: Uuid::now_v7().to_string(),
            capabilities: Arc::clone(&self.capabilities),
        };
        // The paths of the task's images that are stored here.
        let (mut original_path, mut mask_path) = (None, None);
        if let OriginalImage::Bytes(bytes) = original {
            let (path, url) = self.upload(&user.id, "original", bytes).await?;
            refinement.original_image_url = Some(url);
            original_path = Some(path);
        }
        if let Some(OriginalImage::Bytes(bytes)) = mask {
            let (path, url) = self.upload(&user.id, "mask", bytes).await?;
            refinement.mask_url = Some(url);
            mask_path = Some(path);
        }
        let task = NewTask {
            is_anonymous: true,
            original_path,
            mask_path,
            ..NewTask::new(Uuid::now_v7().to_string(), &user.id, refinement)
        };
        self.run(task, began).await
    }

    async fn upload(
        &self,
        user: &str,
        name: &str,
        bytes: Bytes,
    ) -> Result<(String, String), RefineError> {
        let (length, max_bytes) = (bytes.len() as u64, self.max_bytes);
        if length > max_bytes {
            let problem = Problem::TooLarge { max_bytes };
            return Err(RefineError::Failed(problem.to_string()));
        }
        // For anything unknown any format will do: the pipeline refuses it.
        let format = format_of_bytes(&bytes).unwrap_or(Format::Png);
        let image = NewImage {
            kind: ImageKind::Upload,
            name: name.to_owned(),
            owner: user.to_owned(),
            media_type: format.media_type().to_owned(),
            length: ImageLength::Exactly(length),
            metadata: Vec::new(),
            limits: None,
        };
        let contents = stream::iter([Ok(bytes)]).boxed();
        match self.capabilities.images.put(image, contents).await? {
            StoredOrNot::Stored(stored) => Ok((stored.path, stored.url)),
            StoredOrNot::LimitReached(_) | StoredOrNot::WrongLength => Err(unexpected()),
        }
    }

    async fn run(
        &self,
        task: NewTask,
        mut began: impl FnMut(Stage),
    ) -> Result<RefinedImage, RefineError> {
        let tasks = self.capabilities.tasks();
        let (id, user) = (task.id.clone(), task.user_id.clone());
        let Submission::Created(accepted) = tasks.submit(task).await? else {
            return Err(unexpected());
        };
        let mut changes = tasks.watch(&user, &id).await?.ok_or_else(unexpected)?;
        let watching = async move {
            while let Some(change) = changes.next().await {
                if let Change::Progress(stage) = change {
                    began(stage);
                }
            }
            std::future::pending::<()>().await;
        };
        let outcome = tokio::select! {
            outcome = self.worker.once(&accepted.task) => outcome,
            () = watching => return Err(unexpected()),
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
        let task = tasks.get(&user, &id).await?.ok_or_else(unexpected)?;
        self.taken(task).await
    }

    /// Removes the image of a finished task from the store and returns it.
    async fn taken(&self, task: Task) -> Result<RefinedImage, RefineError> {
        let Some(path) = task.image_path else {
            let message = task.error_message.unwrap_or_default();
            return Err(RefineError::Failed(sentence::reason(&message).to_owned()));
        };
        let concepts = self.capabilities.concepts();
        let concept = match &task.result_id {
            Some(id) => concepts.get(&task.user_id, id).await?,
            None => None,
        };
        let images = &self.capabilities.images;
        let (info, contents) = images.get(&path, None).await?.ok_or_else(unexpected)?;
        let bytes = contents
            .try_fold(Vec::new(), async |mut bytes, chunk| {
                bytes.extend_from_slice(&chunk);
                Ok(bytes)
            })
            .await?;
        images.delete(&path).await?;
        Ok(RefinedImage {
            format: Format::from_media_type(&info.media_type).ok_or_else(unexpected)?,
            bytes: bytes.into(),
            notes: concept.map_or_else(Vec::new, |concept| concept.content.notes),
            concept_id: None,
            upload: None,
        })
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let capabilities = Arc::clone(&self.capabilities);
        let id = std::mem::take(&mut self.id);
        let erasing = async move {
            if let Err(error) = capabilities.erase_user(&id).await {
                tracing::warn!(%error, "what a refinement stored is still in memory");
            }
        };
        // Without a runtime the stores are gone too.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(erasing);
        }
    }
}

fn unexpected() -> RefineError {
    RefineError::Failed("the pipeline did not do as it promises".to_owned())
}
