//! The pipeline's code on the host's stores and any model.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Fenced, ImageInfo, Lease, NewImage, StoredOrNot,
};
use concept_refinement_domain::concept::NewConcept;
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::Capabilities;
use concept_refinement_host::capability::images::Contents as Stored;
use concept_refinement_host::capability::model as asked;
use concept_refinement_processor::config::Config;
use concept_refinement_processor::contents::Contents;
use concept_refinement_processor::ports::{
    Answer, ByteStream, Clock, ConceptStore, FetchError, Http, ImageModel, ImageStore, ModelError,
    ModelRequest, Progress, Purpose, Response, TaskStore,
};
use concept_refinement_processor::process::{Outcome, process};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use send_wrapper::SendWrapper;
use tokio::runtime;
use tokio::task::JoinSet;

/// Takes messages and processes them, as a worker does; for ever, on a thread of
/// its own, which keeps what it is given alive.
pub fn start(capabilities: Arc<Capabilities>) {
    std::thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let config = Arc::new(Config::from_settings(|_| None).unwrap());
            let mut in_flight = JoinSet::new();
            loop {
                let delivery = capabilities.queue.receive().await.unwrap();
                let (ports, config) = (Ports(Arc::clone(&capabilities)), Arc::clone(&config));
                while in_flight.try_join_next().is_some() {}
                in_flight.spawn(SendWrapper::new(async move {
                    let outcome = process(&ports, &config, &delivery.message).await;
                    assert_eq!(outcome, Outcome::Done);
                    delivery.ack().await;
                }));
            }
        })
    });
}

struct Ports(Arc<Capabilities>);

impl TaskStore for Ports {
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        self.0.leases().claim(task_id, user_id).await
    }

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        self.0.leases().renew(lease).await
    }

    async fn checkpoint(&self, lease: &Lease, image_path: &str) -> Result<Fenced, CapabilityError> {
        self.0.leases().checkpoint(lease, image_path).await
    }

    async fn complete(&self, lease: &Lease, result_id: &str) -> Result<Fenced, CapabilityError> {
        self.0.leases().complete(lease, result_id).await
    }

    async fn fail(&self, lease: &Lease, error_message: &str) -> Result<Fenced, CapabilityError> {
        self.0.leases().fail(lease, error_message).await
    }

    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError> {
        self.0.leases().release(lease).await
    }
}

impl ImageStore for Ports {
    type Stream = Pieces<Result<Bytes, CapabilityError>>;

    async fn put(
        &self,
        image: NewImage,
        contents: &Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        let stored: Stored = Box::pin(stream::iter(copied(contents).into_iter().map(Ok)));
        self.0.images.put(image, stored).await
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.0.images.stat(path).await
    }

    async fn get(&self, path: &str) -> Result<Option<(ImageInfo, Self::Stream)>, CapabilityError> {
        let found = self.0.images.get(path, None).await?;
        Ok(found.map(|(info, contents)| (info, Pieces(contents))))
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        self.0.images.delete(path).await
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        self.0.images.sign(path, origin).await
    }
}

impl ConceptStore for Ports {
    async fn put(
        &self,
        lease: &Lease,
        concept: NewConcept,
    ) -> Result<Option<String>, CapabilityError> {
        self.0.leases().put_concept(lease, concept).await
    }
}

impl Progress for Ports {
    async fn began(&self, lease: &Lease, stage: Stage) {
        self.0.leases().progress(lease, stage).await.unwrap();
    }
}

impl ImageModel for Ports {
    type Stream = Pieces<Bytes>;

    async fn refine(
        &self,
        request: ModelRequest,
        image: &Contents,
    ) -> Result<Answer<Self::Stream>, ModelError> {
        let request = asked::ModelRequest {
            prompt: request.prompt,
            strength: request.strength,
            logo_description: request.logo_description,
            theme_description: request.theme_description,
            media_type: request.media_type.to_owned(),
            length: image.length(),
            source_url: request.source_url,
            image: Box::pin(stream::iter(copied(image))),
        };
        match self.0.model.refine(request).await {
            Ok(asked::ModelAnswer::Image {
                length, contents, ..
            }) => Ok(Answer::Image {
                length,
                contents: Pieces(contents),
            }),
            Ok(asked::ModelAnswer::Location(url)) => Ok(Answer::Location(url)),
            Err(error) => Err(ModelError::Refused(format!("{error:?}"))),
        }
    }
}

/// Originals are uploads here: nothing is fetched.
impl Http for Ports {
    type Stream = Pieces<Bytes>;

    async fn get(&self, _: &str, _: Purpose) -> Result<Response<Pieces<Bytes>>, FetchError> {
        Err(FetchError::Forbidden)
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

/// Whoever reads it may outlive the contents, which belong to one thread.
fn copied(contents: &Contents) -> Vec<Bytes> {
    let pieces = contents.pieces();
    pieces
        .iter()
        .map(|piece| Bytes::copy_from_slice(piece))
        .collect()
}

pub struct Pieces<T>(BoxStream<'static, T>);

impl ByteStream for Pieces<Bytes> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.next().await.map(Vec::from)
    }
}

impl ByteStream for Pieces<Result<Bytes, CapabilityError>> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.next().await?.ok().map(Vec::from)
    }
}
