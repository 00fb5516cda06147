//! The stores and the model.

use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, Finished, ImageInfo, Lease, NewImage, RefinedImage, StoredOrNot,
};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::image::{Format, Limits};
use concept_refinement_domain::sentence::cut;
use concept_refinement_domain::task::Stage;
use concept_refinement_guest::Imports;
use concept_refinement_guest::bindings::blobs::{self, Blob};
use concept_refinement_guest::bindings::{image_store, task_store};
use concept_refinement_guest::outbound::{InFlight, Response};
use wit_bindgen::StreamReader;

use super::image_model;
use crate::contents::{Contents, Inspected, Received, Rejected};
use crate::ports::{self, Answer, ImageOrLocation, ModelError, ModelRequest, Purpose};

impl ports::TaskStore for Imports {
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
}

impl ports::ImageStore for Imports {
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

    async fn get(&self, path: &str) -> Result<Option<(ImageInfo, Body)>, CapabilityError> {
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
    async fn refine(
        &self,
        request: ModelRequest,
        image: &Contents<Self::Blob>,
    ) -> Result<Answer<Body>, ModelError> {
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

/// A stream that is handed to a blob unread.
pub struct Body {
    stream: StreamReader<u8>,
    /// Kept until the stream is read.
    _response: Option<InFlight>,
}

impl From<StreamReader<u8>> for Body {
    fn from(stream: StreamReader<u8>) -> Self {
        Self {
            stream,
            _response: None,
        }
    }
}

impl From<Response> for Body {
    fn from(response: Response) -> Self {
        let (stream, in_flight) = response.into_stream();
        Self {
            stream,
            _response: Some(in_flight),
        }
    }
}

impl ports::Blob for Blob {
    type Stream = Body;

    async fn fill(
        &mut self,
        contents: Body,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Received, Rejected> {
        let limits = blobs::Limits {
            max_bytes: limits.max_bytes,
            max_pixels: limits.max_pixels,
        };
        let Body { stream, _response } = contents;
        match Blob::fill(self, stream, declared, limits).await {
            Ok(blobs::Received::Whole(inspected)) => {
                let format = Format::from_media_type(&inspected.media_type);
                let format = format.ok_or(Rejected::Unusable(inspected.media_type))?;
                Ok(Received::Whole(Inspected {
                    format,
                    length: inspected.length,
                }))
            }
            Ok(blobs::Received::Part(reason)) => Ok(Received::Part(reason)),
            Err(blobs::Rejection::Unusable(reason)) => Err(Rejected::Unusable(reason)),
            Err(blobs::Rejection::Error(error)) => Err(Rejected::NoRoom(error.convert())),
        }
    }

    async fn length(&self) -> u64 {
        Blob::length(self).await
    }
}
