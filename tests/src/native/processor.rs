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
    StoredOrNot,
};
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_processor::config::Config;
use concept_refinement_processor::contents::Contents;
use concept_refinement_processor::ports::{
    Answer, Blob, Blobs, ByteStream, Clock, Failure, Http, ImageModel, ImageOrLocation, ImageStore,
    ModelError, ModelRequest, Progress, Purpose, Random, Response, Rest, TaskStore,
};
use concept_refinement_processor::process;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use send_wrapper::SendWrapper;

use super::{Native, Outside};

impl<O: Outside> Native<O> {
    /// Processes a message, on the thread that it is called from.
    pub fn run(self, config: Arc<Config>, message: Vec<u8>) -> Run {
        let (claimed, stage) = (self.claimed.clone(), self.stage.clone());
        let outcome = SendWrapper::new(async move {
            Ok(match process::process(&self, &config, &message).await {
                process::Outcome::Done => Outcome::Done,
                process::Outcome::Skipped => Outcome::Skipped,
                process::Outcome::Rejected(reason) => Outcome::Rejected(reason),
                process::Outcome::RetryLater(reason) => Outcome::RetryLater(reason),
            })
        });
        Run {
            claimed,
            stage,
            retry_later: asked::RetryLater::default(),
            outcome: Box::pin(outcome),
        }
    }
}

impl<O: Outside> TaskStore for Native<O> {
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        let claimed = self.host.leases().claim(task_id, user_id).await?;
        if let Some(claimed) = &claimed {
            let payments =
                self.host
                    .payments(claimed, Arc::clone(&self.runtime), Attempt::default());
            self.payments.replace(payments);
            self.claimed.set(Some(claimed.lease.clone()));
        }
        Ok(claimed)
    }

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

    async fn fail(
        &self,
        lease: &Lease,
        stage: Option<Stage>,
        error_message: &str,
    ) -> Result<Fenced, CapabilityError> {
        self.host.leases().fail(lease, stage, error_message).await
    }

    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError> {
        self.host.leases().release(lease).await
    }
}

/// The bytes of one image, as they came.
#[derive(Default)]
pub struct Held(Vec<Bytes>);

impl Blob for Held {
    async fn append(&mut self, bytes: Vec<u8>) -> Result<(), CapabilityError> {
        self.0.push(bytes.into());
        Ok(())
    }
}

impl<O: Outside> Blobs for Native<O> {
    type Blob = Held;

    async fn reserve(&self, _: Purpose, _: u64) -> Result<Held, CapabilityError> {
        Ok(Held::default())
    }
}

impl<O: Outside> ImageStore for Native<O> {
    type Stream = Chunks<Result<Bytes, CapabilityError>>;

    async fn put(
        &self,
        image: NewImage,
        contents: &Contents<Self::Blob>,
    ) -> Result<StoredOrNot, CapabilityError> {
        let chunked: Chunked =
            Box::pin(stream::iter(contents.blob().0.clone().into_iter().map(Ok)));
        self.host.images.put(image, chunked).await
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.host.images.stat(path).await
    }

    async fn get(&self, path: &str) -> Result<Option<(ImageInfo, Self::Stream)>, CapabilityError> {
        let found = self.host.images.get(path, None).await?;
        Ok(found.map(|(info, contents)| (info, Chunks(contents))))
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        self.host.images.delete(path).await
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        self.host.images.sign(path, origin).await
    }
}

impl<O: Outside> Progress for Native<O> {
    async fn began(&self, lease: &Lease, stage: Stage) {
        self.stage.set(stage);
        // Nothing depends on it.
        let _ = self.host.leases().progress(lease, stage).await;
    }
}

impl<O: Outside> ImageModel for Native<O> {
    type Stream = Chunks<Bytes>;

    async fn refine(
        &self,
        request: ModelRequest,
        image: &Contents<Self::Blob>,
    ) -> Result<Answer<Self::Stream>, ModelError> {
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
            image: Box::pin(stream::iter(image.blob().0.clone())),
            reopen: None,
            retry_later: asked::RetryLater::default(),
            deadline: Instant::now() + request.time_left,
            payments: self.payments.borrow().clone(),
        };
        match self.host.model.refine(request).await {
            Ok(asked::ModelAnswer { image, notes, .. }) => Ok(Answer {
                image: match image {
                    asked::ImageOrLocation::Image {
                        length, contents, ..
                    } => ImageOrLocation::Image {
                        length,
                        contents: Chunks(contents),
                    },
                    asked::ImageOrLocation::Location(url) => ImageOrLocation::Location(url),
                },
                notes,
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
            Err(
                asked::ModelError::Refused(reason)
                | asked::ModelError::Unauthorized(reason)
                | asked::ModelError::Broken(reason),
            ) => Err(ModelError::Refused(reason)),
        }
    }
}

impl<O: Outside> Http for Native<O> {
    type Stream = O::Stream;

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        _: Option<&Rest>,
        _: &str,
    ) -> Result<Response<O::Stream>, Failure> {
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

pub struct Chunks<T>(BoxStream<'static, T>);

impl ByteStream for Chunks<Bytes> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.next().await.map(Vec::from)
    }
}

impl ByteStream for Chunks<Result<Bytes, CapabilityError>> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.next().await?.ok().map(Vec::from)
    }
}
