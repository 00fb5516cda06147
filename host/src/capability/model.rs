//! The image model. The promises stand in `wit/image-model.wit`.

mod admission;
pub(crate) mod component;
mod link;

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// One image to refine, and how.
pub struct ModelRequest {
    /// What to change.
    pub prompt: String,
    /// How far the result may be from the original, from 0 to 1.
    pub strength: f32,
    /// What the logo shows, where it was described.
    pub logo_description: Option<String>,
    /// The theme, where it was described.
    pub theme_description: Option<String>,
    /// Of the image, as `image/png`.
    pub media_type: String,
    /// Of the image, in bytes.
    pub length: u64,
    /// Where a provider can download the image, if that is anywhere.
    pub source_url: Option<String>,
    /// The image. One that ends before its length broke off.
    pub image: BoxStream<'static, Bytes>,
}

/// A refined image.
pub enum ModelAnswer {
    /// The image itself.
    Image {
        /// As `image/png`.
        media_type: String,
        /// In bytes, where it is known beforehand.
        length: Option<u64>,
        /// The image.
        contents: BoxStream<'static, Bytes>,
    },
    /// A URL from which the image can be downloaded.
    Location(String),
}

/// Why there is no refined image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// A repeat can help.
    Unavailable {
        /// In a sentence for the person who asked.
        reason: String,
        /// How long to wait before, if the model said so.
        retry_after: Option<Duration>,
    },
    /// A repeat cannot help.
    Refused(String),
    /// It crashed, or did not answer in time: a repeat would do so again. Of
    /// the model's health this says more than a refusal does.
    Broken(String),
}

/// What refines images.
pub trait ImageModel: Send + Sync {
    /// Refines one image. The call ends when it is dropped.
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>>;

    /// How many calls can run at once: more would only wait. A task that waits
    /// for its model is better left in the queue.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// How many calls run now, where that is known.
    fn running(&self) -> usize {
        0
    }

    /// One sentence on what this model is.
    fn describe(&self) -> &str;
}
