//! The image model. The promises stand in `wit/image-model.wit`.

mod admission;
pub mod component;
mod link;

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub struct ModelRequest {
    pub prompt: String,
    /// 0 to 1.
    pub strength: f32,
    pub logo_description: Option<String>,
    pub theme_description: Option<String>,
    pub media_type: String,
    /// In bytes.
    pub length: u64,
    pub source_url: Option<String>,
    pub image: BoxStream<'static, Bytes>,
}

pub enum ModelAnswer {
    Image {
        media_type: String,
        /// In bytes, where it is known beforehand.
        length: Option<u64>,
        contents: BoxStream<'static, Bytes>,
    },
    /// A URL from which the image can be downloaded.
    Location(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// A repeat can help.
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// A repeat cannot help.
    Refused(String),
    /// It crashed, or did not answer in time: a repeat would do so again. Of
    /// the model's health this says more than a refusal does.
    Broken(String),
}

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
