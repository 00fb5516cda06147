//! All ports, over the component's imports.

use std::time::Duration;

use concept_refinement_domain::capability::{
    Fenced, Finished, ImageInfo, Lease, NewImage, RefinedImage, StoredOrNot, TaskFailure,
};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::image::metadata::SourceType;
use concept_refinement_domain::image::{Format, Limits};
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::payment::NOT_ASKED_TWICE;
use concept_refinement_domain::sentence::cut;
use concept_refinement_domain::task::Stage;
use concept_refinement_guest::Imports;
use concept_refinement_guest::bindings::blobs::{self, Blob};
use concept_refinement_guest::bindings::{image_store, progress, task_store, types};
use concept_refinement_guest::outbound::{InFlight, Response};
use wit_bindgen::StreamReader;

use super::{http, image_model, partial_edits};
use crate::contents::{Contents, Inspected, Metadata, Received, Rejected};
use crate::ports::{
    self, Answer, Composite, ImageOrLocation, Images, ModelError, ModelRequest, Part, Ports,
    Purpose, Rest, Result, Rewritten, View,
};
use crate::reason::Reason;

impl Ports for Imports {
    type Blob = Blob;

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>> {
        task_store::renew(lease.clone().convert()).await.convert()
    }

    async fn finish(&self, lease: &Lease, image: RefinedImage) -> Result<Finished> {
        let lease = lease.clone().convert();
        task_store::finish(lease, image.convert()).await.convert()
    }

    async fn fail(&self, lease: &Lease, failure: TaskFailure) -> Result<Fenced> {
        let lease = lease.clone().convert();
        task_store::fail(lease, failure.convert()).await.convert()
    }

    async fn reserve(&self, purpose: Purpose, length: u64) -> Result<Blob> {
        let purpose = match purpose {
            Purpose::Original => blobs::Purpose::Original,
            Purpose::ModelAnswer => blobs::Purpose::Answer,
        };
        let reserved = Blob::reserve(purpose, length).await;
        reserved.map_err(|error| error.convert())
    }

    async fn put(&self, image: NewImage, contents: &Contents<Self::Blob>) -> Result<StoredOrNot> {
        let contents = contents.blob().contents().await;
        image_store::put(image.convert(), contents).await.convert()
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>> {
        image_store::stat(path.to_owned()).await.convert()
    }

    async fn image(&self, path: &str) -> Result<Option<(ImageInfo, Body)>> {
        let image = image_store::get(path.to_owned(), None).await;
        let image = image.map_err(|error| error.convert())?;
        Ok(image.map(|(info, stream)| (info.convert(), stream.into())))
    }

    async fn delete_image(&self, path: &str) -> Result<()> {
        image_store::delete(path.to_owned()).await.convert()
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String> {
        image_store::sign(path.to_owned(), origin.to_owned())
            .await
            .convert()
    }

    async fn refine(
        &self,
        request: ModelRequest,
        Images { image, mask }: &Images<'_, Self::Blob>,
    ) -> Result<Answer<Body>, ModelError> {
        let mask = match mask {
            Some(mask) => Some(wit_mask(mask).await),
            None => None,
        };
        let request = image_model::Request {
            task_id: request.task_id,
            prompt: request.prompt,
            strength: request.strength,
            seed: request.seed,
            logo_description: request.logo_description,
            theme_description: request.theme_description,
            media_type: request.media_type.to_owned(),
            length: image.length(),
            source_url: request.source_url,
            // The component in front of the model fills it in.
            receipt: None,
            time_left: u64::try_from(request.time_left.as_millis()).unwrap_or(u64::MAX),
            receipt_key: request.receipt_key,
            options: request.options,
            image: image.blob().contents().await,
            mask,
        };
        match image_model::refine(request).await {
            Ok(image_model::Answer {
                image,
                notes,
                source,
            }) => Ok(Answer {
                image: match image {
                    image_model::ImageOrLocation::Image(image) => ImageOrLocation::Image {
                        length: image.length,
                        contents: image.contents.into(),
                    },
                    image_model::ImageOrLocation::Location(url) => ImageOrLocation::Location(url),
                },
                notes,
                source_type: match source {
                    image_model::Source::Generative => {
                        SourceType::CompositeWithTrainedAlgorithmicMedia
                    }
                    image_model::Source::Rules => SourceType::AlgorithmicallyEnhanced,
                },
            }),
            Err(image_model::Error::Unavailable(mut error)) => Err(match cut(&mut error.reason) {
                // Trying again would cost again, and fail the same way.
                true => ModelError::Final(Reason::fault(error.reason)),
                false => ModelError::Unavailable {
                    reason: error.reason,
                    retry_after: error.retry_after.map(Duration::from_millis),
                },
            }),
            Err(image_model::Error::Unknown(mut reason)) => Err(match cut(&mut reason) {
                true => ModelError::Final(Reason::fault(reason)),
                false => ModelError::Unknown(reason),
            }),
            Err(image_model::Error::Refused(mut reason)) => {
                let is_refusal = !cut(&mut reason) && reason != NOT_ASKED_TWICE;
                Err(ModelError::Final(match is_refusal {
                    true => Reason::refusal(reason),
                    false => Reason::fault(reason),
                }))
            }
            Err(image_model::Error::Unauthorized(reason) | image_model::Error::Broken(reason)) => {
                Err(ModelError::Final(Reason::fault(cut_short(reason))))
            }
        }
    }

    async fn prepare(
        &self,
        original: &Contents<Self::Blob>,
        part: &Part<Self::Blob>,
        part_only: bool,
    ) -> Result<View<Body>, String> {
        let part = match part {
            Part::Region(region) => partial_edits::Part::Region(region.convert()),
            Part::Mask(mask) => partial_edits::Part::Mask(wit_mask(mask).await),
        };
        let original = wit_original(original).await;
        let view = partial_edits::prepare(original, part, part_only).await;
        let partial_edits::View {
            image,
            mask,
            area,
            result_length,
        } = view.map_err(cut_short)?;
        Ok(View {
            image: image.map(|image| image.contents.into()),
            mask: mask.contents.into(),
            area: area.convert(),
            result_length,
        })
    }

    async fn compose(
        &self,
        original: &Contents<Self::Blob>,
        (mask, area): (&Contents<Self::Blob>, Region),
        feather: u32,
        answer: &Contents<Self::Blob>,
    ) -> Result<Composite<Body>, String> {
        let answer = image_model::Image {
            media_type: answer.format().media_type().to_owned(),
            length: Some(answer.length()),
            contents: answer.blob().contents().await,
        };
        let (original, mask) = (wit_original(original).await, wit_mask(mask).await);
        let composite =
            partial_edits::compose(original, mask, area.convert(), feather, answer).await;
        let partial_edits::Composite { image, notes } = composite.map_err(cut_short)?;
        Ok(Composite {
            image: image.contents.into(),
            notes,
        })
    }

    async fn began(&self, lease: &Lease, stage: Stage) {
        progress::began(lease.clone().convert(), stage.convert()).await;
    }

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        rest: Option<&Rest>,
        user_agent: &str,
    ) -> Result<ports::Response<Body>, ports::Failure> {
        http::get(url, purpose, rest, user_agent).await
    }
}

async fn wit_original(image: &Contents<Blob>) -> partial_edits::Original {
    partial_edits::Original {
        media_type: image.format().media_type().to_owned(),
        length: image.length(),
        contents: image.blob().contents().await,
    }
}

async fn wit_mask(mask: &Contents<Blob>) -> partial_edits::Mask {
    partial_edits::Mask {
        media_type: mask.format().media_type().to_owned(),
        length: mask.length(),
        contents: mask.blob().contents().await,
    }
}

fn cut_short(mut reason: String) -> String {
    cut(&mut reason);
    reason
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
                    metadata: Metadata {
                        has_credentials: inspected.metadata.has_credentials,
                        source_type: inspected.metadata.source_type,
                        is_strippable: inspected.metadata.is_strippable,
                    },
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

    async fn stripped(&self) -> Result<Rewritten<Self>> {
        rewritten(Blob::stripped(self).await)
    }

    async fn marked(&self, source_type: SourceType) -> Result<Rewritten<Self>> {
        let source_type = match source_type {
            SourceType::CompositeWithTrainedAlgorithmicMedia => {
                blobs::SourceType::CompositeWithTrainedAlgorithmicMedia
            }
            SourceType::AlgorithmicallyEnhanced => blobs::SourceType::AlgorithmicallyEnhanced,
        };
        rewritten(Blob::marked(self, source_type).await)
    }

    async fn split(&mut self, length: u64) -> Result<Self> {
        Blob::split(self, length)
            .await
            .map_err(|error| error.convert())
    }
}

fn rewritten(rewritten: Result<blobs::Rewritten, types::Error>) -> Result<Rewritten<Blob>> {
    match rewritten {
        Ok(blobs::Rewritten { blob, length }) => Ok(Rewritten { blob, length }),
        Err(error) => Err(error.convert()),
    }
}
