//! The bindings of the world `image-model-middleware`, and helpers that connect its two
//! sides.
//!
//! ```ignore
//! concept_refinement_model_middleware::component::export!(MyMiddleware);
//! ```

#![allow(
    unsafe_code,
    reason = "what wit-bindgen generates talks to the canonical ABI"
)]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "image-model-middleware",
    pub_export_macro: true,
    default_bindings_module: "concept_refinement_model_middleware::component",
});

use concept::refinement::blobs::{Blob, Purpose};
pub use concept::refinement::{model_state, next_models};
pub use exports::concept::refinement::image_model;
pub use wit_bindgen::StreamReader;

/// A request that can be passed on any number of times.
pub struct Asked {
    /// Without the bytes of its images, which are in the blobs.
    request: image_model::Request,
    image: Blob,
    mask: Option<Blob>,
}

impl Asked {
    pub async fn new(mut request: image_model::Request) -> Result<Self, image_model::Error> {
        let image = stored(&mut request.image, request.length).await?;
        let mask = match &mut request.mask {
            Some(mask) => Some(stored(&mut mask.contents, mask.length).await?),
            None => None,
        };
        Ok(Self {
            request,
            image,
            mask,
        })
    }

    /// The request as received.
    pub fn request(&self) -> &image_model::Request {
        &self.request
    }

    /// The image, from its beginning.
    pub async fn image(&self) -> StreamReader<u8> {
        self.image.contents().await
    }

    /// The mask, from its beginning.
    pub async fn mask(&self) -> Option<image_model::Mask> {
        let (mask, blob) = self.request.mask.as_ref().zip(self.mask.as_ref())?;
        Some(image_model::Mask {
            media_type: mask.media_type.clone(),
            length: mask.length,
            contents: blob.contents().await,
        })
    }

    /// The request for a model behind this middleware.
    pub async fn for_next(&self) -> image_model::Request {
        image_model::Request {
            task_id: self.request.task_id.clone(),
            prompt: self.request.prompt.clone(),
            strength: self.request.strength,
            seed: self.request.seed,
            logo_description: self.request.logo_description.clone(),
            theme_description: self.request.theme_description.clone(),
            media_type: self.request.media_type.clone(),
            length: self.request.length,
            source_url: self.request.source_url.clone(),
            receipt: self.request.receipt.clone(),
            time_left: self.request.time_left,
            receipt_key: self.request.receipt_key.clone(),
            options: self.request.options.clone(),
            image: self.image().await,
            mask: self.mask().await,
        }
    }
}

/// Takes the bytes of an image out of a request.
async fn stored(contents: &mut StreamReader<u8>, length: u64) -> Result<Blob, image_model::Error> {
    let (_, empty) = wit_stream::new();
    let contents = std::mem::replace(contents, empty);
    let blob = Blob::of(Purpose::Original, contents, length).await;
    blob.map_err(|_| {
        image_model::Error::Unavailable(image_model::Unavailable {
            reason: "there is no room for the image at the moment".to_owned(),
            retry_after: None,
            is_rate_limit: false,
        })
    })
}

impl From<next_models::LinkError> for image_model::Error {
    fn from(error: next_models::LinkError) -> Self {
        match error {
            next_models::LinkError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            next_models::LinkError::Unknown(reason) => Self::Unknown(reason),
            next_models::LinkError::Unauthorized(reason) => Self::Unauthorized(reason),
            next_models::LinkError::Refused(reason) => Self::Refused(reason),
            next_models::LinkError::Broken(reason) => Self::Broken(reason),
        }
    }
}
