//! The stores and the model.

use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Fenced, Finished, ImageInfo, Lease, NewImage, RefinedImage,
    StoredOrNot,
};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::sentence::cut;
use concept_refinement_domain::task::Stage;
use concept_refinement_guest::bindings::blobs::{self, Blob};
use concept_refinement_guest::bindings::{image_store, task_store};
use concept_refinement_guest::{Imports, Incoming};

use super::image_model;
use crate::contents::Contents;
use crate::ports::{self, Answer, ImageOrLocation, ModelError, ModelRequest, Purpose};

impl ports::TaskStore for Imports {
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        let claimed = task_store::claim(task_id.to_owned(), user_id.map(str::to_owned)).await;
        claimed.convert()
    }

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        task_store::renew(lease.clone().convert()).await.convert()
    }

    async fn finish(
        &self,
        lease: &Lease,
        image: RefinedImage,
    ) -> Result<Finished, CapabilityError> {
        let lease = lease.clone().convert();
        task_store::finish(lease, image.convert()).await.convert()
    }

    async fn fail(
        &self,
        lease: &Lease,
        stage: Option<Stage>,
        error_message: &str,
    ) -> Result<Fenced, CapabilityError> {
        let fenced = task_store::fail(
            lease.clone().convert(),
            stage.convert(),
            error_message.to_owned(),
        )
        .await;
        fenced.convert()
    }

    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError> {
        task_store::release(lease.clone().convert()).await.convert()
    }
}

impl ports::ImageStore for Imports {
    type Stream = Incoming;

    async fn put(
        &self,
        image: NewImage,
        contents: &Contents<Self::Blob>,
    ) -> Result<StoredOrNot, CapabilityError> {
        let contents = contents.blob().contents().await;
        image_store::put(image.convert(), contents).await.convert()
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        image_store::stat(path.to_owned()).await.convert()
    }

    async fn get(&self, path: &str) -> Result<Option<(ImageInfo, Self::Stream)>, CapabilityError> {
        let image = image_store::get(path.to_owned(), None).await;
        let image = image.map_err(|error| error.convert())?;
        Ok(image.map(|(info, stream)| (info.convert(), stream.into())))
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        image_store::delete(path.to_owned()).await.convert()
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        image_store::sign(path.to_owned(), origin.to_owned())
            .await
            .convert()
    }
}

impl ports::ImageModel for Imports {
    type Stream = Incoming;

    async fn refine(
        &self,
        request: ModelRequest,
        image: &Contents<Self::Blob>,
    ) -> Result<Answer<Self::Stream>, ModelError> {
        let request = image_model::Request {
            task_id: request.task_id,
            prompt: request.prompt,
            strength: request.strength,
            seed: None,
            logo_description: request.logo_description,
            theme_description: request.theme_description,
            media_type: request.media_type.to_owned(),
            length: image.length(),
            source_url: request.source_url,
            // The component in front of the model fills it in.
            receipt: None,
            time_left: u64::try_from(request.time_left.as_millis()).unwrap_or(u64::MAX),
            receipt_key: request.receipt_key,
            options: Vec::new(),
            image: image.blob().contents().await,
            mask: None,
        };
        match image_model::refine(request).await {
            Ok(image_model::Answer { image, notes, .. }) => Ok(Answer {
                image: match image {
                    image_model::ImageOrLocation::Image(image) => ImageOrLocation::Image {
                        length: image.length,
                        contents: image.contents.into(),
                    },
                    image_model::ImageOrLocation::Location(url) => ImageOrLocation::Location(url),
                },
                notes,
            }),
            Err(image_model::Error::Unavailable(mut error)) => Err(match cut(&mut error.reason) {
                // Trying again would cost again, and fail the same way.
                true => ModelError::Refused(error.reason),
                false => ModelError::Unavailable {
                    reason: error.reason,
                    retry_after: error.retry_after.map(Duration::from_millis),
                },
            }),
            Err(image_model::Error::Unknown(mut reason)) => Err(match cut(&mut reason) {
                true => ModelError::Refused(reason),
                false => ModelError::Unknown(reason),
            }),
            Err(
                image_model::Error::Refused(mut reason)
                | image_model::Error::Unauthorized(mut reason),
            ) => {
                cut(&mut reason);
                Err(ModelError::Refused(reason))
            }
        }
    }
}

impl ports::Blobs for Imports {
    type Blob = Blob;

    async fn reserve(&self, purpose: Purpose, length: u64) -> Result<Blob, CapabilityError> {
        let purpose = match purpose {
            Purpose::Original => blobs::Purpose::Original,
            Purpose::ModelAnswer => blobs::Purpose::Answer,
        };
        let reserved = Blob::reserve(purpose, length).await;
        reserved.map_err(|error| error.convert())
    }
}

impl ports::Blob for Blob {
    async fn append(&mut self, bytes: Vec<u8>) -> Result<(), CapabilityError> {
        Blob::append(self, bytes).await.convert()
    }
}
