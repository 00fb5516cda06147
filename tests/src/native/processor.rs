//! A host's capabilities as the ports of the processor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use concept_refinement_capability::images::Contents as Chunked;
use concept_refinement_capability::model as asked;
use concept_refinement_capability::processor::{Outcome, Run};
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Fenced, Finished, ImageInfo, Lease, NewImage, RefinedImage,
    StoredOrNot, TaskFailure,
};
use concept_refinement_domain::image::metadata::{self, Rewrite, SourceType};
use concept_refinement_domain::image::{self, Limits, Transfer, Unusable};
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_processor::config::Config;
use concept_refinement_processor::contents::{Contents, Inspected, Metadata, Received, Rejected};
use concept_refinement_processor::ports::{
    Answer, Blob, Clock, Composite, Failure, ImageOrLocation, Images, ModelError, ModelRequest,
    Part, Ports, Purpose, Random, Response, Rest, Rewritten, View,
};
use concept_refinement_processor::process;
use concept_refinement_processor::reason::Reason;
use futures::StreamExt as _;
use futures::future::ready;
use futures::stream;
use send_wrapper::SendWrapper;

use super::{Body, Native, Outside};

impl<O: Outside> Native<O> {
    /// Processes a task that was claimed, on the thread that it is called from.
    pub fn run(self, config: Arc<Config>, claimed: Claimed) -> Run {
        let stage = self.stage.clone();
        let (runtime, attempt) = (Arc::clone(&self.runtime), Attempt::default());
        self.payments
            .replace(self.host.payments(&claimed, runtime, attempt));
        let outcome = SendWrapper::new(async move {
            Ok(match process::process(&self, &config, &claimed).await {
                process::Outcome::Done => Outcome::Done,
                process::Outcome::Skipped => Outcome::Skipped,
                process::Outcome::Rejected(reason) => Outcome::Rejected(reason),
                process::Outcome::RetryLater(reason) => Outcome::RetryLater(reason),
            })
        });
        Run {
            stage,
            retry_later: asked::RetryLater::default(),
            outcome: Box::pin(outcome),
        }
    }
}

/// The bytes of one image, as they came.
#[derive(Default)]
pub struct Held {
    chunks: Vec<Bytes>,
    transfer: Option<Transfer>,
}

impl Held {
    fn rewritten(
        &self,
        rewrite: impl FnOnce(&metadata::Metadata) -> Option<Rewrite>,
    ) -> Result<Rewritten<Self>, CapabilityError> {
        let metadata = self.transfer.as_ref().map(Transfer::metadata);
        let rewrite = metadata.as_ref().and_then(rewrite);
        let rewrite = rewrite.ok_or_else(|| CapabilityError::invalid("There is no image."))?;
        let mut filter = rewrite.filter();
        let mut chunks = Vec::new();
        for chunk in &self.chunks {
            let mut out = Vec::new();
            filter.push(chunk, &mut out);
            chunks.push(Bytes::from(out));
        }
        let mut end = Vec::new();
        filter.finish(&mut end);
        chunks.push(end.into());
        chunks.retain(|chunk| !chunk.is_empty());
        Ok(Rewritten {
            blob: Self {
                chunks,
                transfer: None,
            },
            length: rewrite.length(),
        })
    }
}

impl Blob for Held {
    type Stream = Body;

    async fn fill(
        &mut self,
        mut contents: Body,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Received, Rejected> {
        let transfer = self.transfer.get_or_insert_with(|| Transfer::new(limits));
        let unusable = |unusable: Unusable| Rejected::Unusable(unusable.to_string());
        while let Some(chunk) = contents.next().await {
            transfer.push(&chunk, declared).map_err(unusable)?;
            self.chunks.push(chunk);
        }
        Ok(match transfer.received(declared).map_err(unusable)? {
            image::Received::Whole(inspected) => Received::Whole(Inspected {
                format: inspected.format,
                length: inspected.bytes,
                metadata: Metadata::from(&transfer.metadata()),
            }),
            image::Received::Part(shortfall) => Received::Part(shortfall.to_string()),
        })
    }

    async fn length(&self) -> u64 {
        self.transfer.as_ref().map_or(0, Transfer::length)
    }

    async fn stripped(&self) -> Result<Rewritten<Self>, CapabilityError> {
        self.rewritten(|metadata| metadata.stripped())
    }

    async fn marked(&self, source_type: SourceType) -> Result<Rewritten<Self>, CapabilityError> {
        self.rewritten(|metadata| Some(metadata.marked(source_type)))
    }

    async fn split(&mut self, _: u64) -> Result<Self, CapabilityError> {
        Ok(Self::default())
    }
}

/// What is measured natively changes whole images.
const WHOLE_IMAGES: &str = "this pipeline edits no parts of images";

impl<O: Outside> Ports for Native<O> {
    type Blob = Held;

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        self.host.leases().renew(lease).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        image: RefinedImage,
    ) -> Result<Finished, CapabilityError> {
        self.host.leases().finish(lease, image).await
    }

    async fn fail(&self, lease: &Lease, failure: TaskFailure) -> Result<Fenced, CapabilityError> {
        self.host.leases().fail(lease, &failure).await
    }

    async fn reserve(&self, _: Purpose, _: u64) -> Result<Held, CapabilityError> {
        Ok(Held::default())
    }

    async fn put(
        &self,
        image: NewImage,
        contents: &Contents<Self::Blob>,
    ) -> Result<StoredOrNot, CapabilityError> {
        let chunked: Chunked = Box::pin(stream::iter(
            contents.blob().chunks.clone().into_iter().map(Ok),
        ));
        self.host.images.put(image, chunked).await
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.host.images.stat(path).await
    }

    async fn image(&self, path: &str) -> Result<Option<(ImageInfo, Body)>, CapabilityError> {
        let found = self.host.images.get(path, None).await?;
        Ok(found.map(|(info, contents)| {
            let chunks = contents.scan((), |(), chunk| ready(chunk.ok()));
            (info, chunks.boxed_local())
        }))
    }

    async fn delete_image(&self, path: &str) -> Result<(), CapabilityError> {
        self.host.images.delete(path).await
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        self.host.images.sign(path, origin).await
    }

    async fn began(&self, lease: &Lease, stage: Stage) {
        self.stage.set(stage);
        // Nothing depends on it.
        let _ = self.host.leases().progress(lease, stage).await;
    }

    async fn refine(
        &self,
        request: ModelRequest,
        Images { image, .. }: &Images<'_, Self::Blob>,
    ) -> Result<Answer<Body>, ModelError> {
        let request = asked::ModelRequest {
            task_id: request.task_id,
            prompt: request.prompt,
            strength: request.strength,
            seed: None,
            logo_description: request.logo_description,
            theme_description: request.theme_description,
            media_type: request.media_type.to_owned(),
            length: image.length(),
            source_url: request.source_url,
            options: Vec::new(),
            mask: None,
            image: Box::pin(stream::iter(image.blob().chunks.clone())),
            reopen: None,
            retry_later: asked::RetryLater::default(),
            deadline: Instant::now() + request.time_left,
            payments: self.payments.borrow().clone(),
        };
        match self.host.model.refine(request).await {
            Ok(asked::ModelAnswer {
                image,
                notes,
                source,
            }) => Ok(Answer {
                image: match image {
                    asked::ImageOrLocation::Image {
                        length, contents, ..
                    } => ImageOrLocation::Image {
                        length,
                        contents: contents.boxed_local(),
                    },
                    asked::ImageOrLocation::Location(url) => ImageOrLocation::Location(url),
                },
                notes,
                source_type: match source {
                    asked::Source::Generative => SourceType::CompositeWithTrainedAlgorithmicMedia,
                    asked::Source::Rules => SourceType::AlgorithmicallyEnhanced,
                },
            }),
            Err(asked::ModelError::Unavailable {
                reason,
                retry_after,
                ..
            }) => Err(ModelError::Unavailable {
                reason,
                retry_after,
            }),
            Err(asked::ModelError::Unknown(reason)) => Err(ModelError::Unknown(reason)),
            Err(asked::ModelError::Refused(reason)) => {
                Err(ModelError::Final(Reason::refusal(reason)))
            }
            Err(asked::ModelError::Unauthorized(reason) | asked::ModelError::Broken(reason)) => {
                Err(ModelError::Final(Reason::fault(reason)))
            }
        }
    }

    async fn prepare(
        &self,
        _: &Contents<Held>,
        _: &Part<Held>,
        _: bool,
    ) -> Result<View<Body>, String> {
        Err(WHOLE_IMAGES.to_owned())
    }

    async fn compose(
        &self,
        _: &Contents<Held>,
        _: (&Contents<Held>, Region),
        _: u32,
        _: &Contents<Held>,
    ) -> Result<Composite<Body>, String> {
        Err(WHOLE_IMAGES.to_owned())
    }

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        _: Option<&Rest>,
        _: &str,
    ) -> Result<Response<Body>, Failure> {
        self.outside.get(url, purpose).await
    }
}

impl<O: Outside> Clock for Native<O> {
    fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.runtime.sleep(duration).await;
    }
}

impl<O: Outside> Random for Native<O> {
    fn random(&self) -> u64 {
        self.outside.random()
    }
}
