//! The image model. `wit/image-model.wit` has the promises.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use crate::payments::Payments;

/// Opens a stream of the same bytes again.
pub type Reopen = Arc<dyn Fn() -> BoxStream<'static, Bytes> + Send + Sync>;

/// One image to refine, and how.
pub struct ModelRequest {
    /// Stays the same when the task is repeated.
    pub task_id: String,
    /// What to change.
    pub prompt: String,
    /// How far the result may be from the original, from 0 to 1.
    pub strength: f32,
    /// For a model that draws random numbers.
    pub seed: Option<u32>,
    /// What the logo shows, if that was described.
    pub logo_description: Option<String>,
    /// The theme, if it was described.
    pub theme_description: Option<String>,
    /// Media type of the image, as `image/png`.
    pub media_type: String,
    /// Length of the image, in bytes.
    pub length: u64,
    /// A URL from which a provider can download the image, if there is one.
    pub source_url: Option<String>,
    /// What else is asked for, by name.
    pub options: Vec<(String, String)>,
    /// What is to change. None: the whole image.
    pub mask: Option<Mask>,
    /// The image. If it ends before `length`, it was cut off.
    pub image: BoxStream<'static, Bytes>,
    /// Opens the image again, if that is possible. Otherwise all bytes read are kept
    /// until there is an answer.
    pub reopen: Option<Reopen>,
    /// Tells the caller that an answer that has begun cannot be continued for now.
    pub retry_later: RetryLater,
    /// The task's deadline.
    pub deadline: Instant,
    /// Counts the paid calls of the task, and keeps their receipts.
    pub payments: Payments,
}

/// An image of the original's size that says what is to change.
pub struct Mask {
    /// As `image/png`.
    pub media_type: String,
    /// In bytes.
    pub length: u64,
    /// The image. If it ends before `length`, it was cut off.
    pub contents: BoxStream<'static, Bytes>,
    /// Opens it again, if that is possible.
    pub reopen: Option<Reopen>,
}

/// Tells the worker of a task to try it again later: the model's answer had begun, but
/// there is no memory to continue it. The answer's stream then never ends.
#[derive(Clone, Debug, Default)]
pub struct RetryLater(CancellationToken);

impl RetryLater {
    /// Sets it.
    pub fn set(&self) {
        self.0.cancel();
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Completes when it is set.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }
}

/// How many calls can compute at the same time.
///
/// # Errors
///
/// The system does not tell.
pub fn cores() -> std::io::Result<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

impl ModelRequest {
    /// The same request for this image and this mask.
    pub fn with(&self, image: BoxStream<'static, Bytes>, mask: Option<Mask>) -> Self {
        Self {
            task_id: self.task_id.clone(),
            prompt: self.prompt.clone(),
            strength: self.strength,
            seed: self.seed,
            logo_description: self.logo_description.clone(),
            theme_description: self.theme_description.clone(),
            media_type: self.media_type.clone(),
            length: self.length,
            source_url: self.source_url.clone(),
            options: self.options.clone(),
            mask,
            image,
            reopen: self.reopen.clone(),
            retry_later: self.retry_later.clone(),
            deadline: self.deadline,
            payments: self.payments.clone(),
        }
    }
}

/// What a model answers.
pub struct ModelAnswer {
    /// The refined image.
    pub image: ImageOrLocation,
    /// The model's notes on its work. Whoever shows them removes secrets, and then bounds them
    /// by `domain::note`.
    pub notes: Vec<String>,
    /// How it was made.
    pub source: Source,
}

/// A refined image.
pub enum ImageOrLocation {
    /// The image itself.
    Image {
        /// As `image/png`.
        media_type: String,
        /// In bytes, if known beforehand.
        length: Option<u64>,
        /// The image.
        contents: BoxStream<'static, Bytes>,
    },
    /// A URL from which the image can be downloaded.
    Location(String),
}

/// How a refined image was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// By a generative model, or nobody knows.
    #[default]
    Generative,
    /// By rules, from nothing but the original and the prompt.
    Rules,
}

/// Why there is no refined image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The request was not accepted. Trying again can help.
    Unavailable {
        /// A sentence for the user.
        reason: String,
        /// How long to wait before trying again, if the model said so.
        retry_after: Option<Duration>,
        /// The model works, but limits our rate.
        is_rate_limit: bool,
    },
    /// The request may have been accepted. Trying again can help, but may cost again.
    Unknown(String),
    /// Trying again cannot help.
    Refused(String),
    /// The key was refused or is missing: not accepted, and trying again cannot help.
    Unauthorized(String),
    /// It trapped or timed out; a repeat would do so again. Unlike a refusal,
    /// this counts against the model's health.
    Broken(String),
}

impl ModelError {
    /// Its name in metrics and in the story of a task.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Unknown(_) => "unknown",
            Self::Refused(_) => "refused",
            Self::Unauthorized(_) => "unauthorized",
            Self::Broken(_) => "broken",
        }
    }

    /// The sentence for the user.
    pub fn reason_mut(&mut self) -> &mut String {
        match self {
            Self::Unavailable { reason, .. }
            | Self::Unknown(reason)
            | Self::Refused(reason)
            | Self::Unauthorized(reason)
            | Self::Broken(reason) => reason,
        }
    }
}

/// Memory of all model instances together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// In bytes.
    pub bytes: u64,
    /// In bytes.
    pub limit: u64,
    /// How many calls have been ended so far for lack of memory, to be tried again.
    pub put_off: u64,
}

/// Refines images.
pub trait ImageModel: Send + Sync {
    /// Refines one image. Dropping the future cancels the call.
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>>;

    /// How many calls can run at a time. More would only wait, and a waiting task is
    /// better left in the queue.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// How many calls are running, if known.
    fn running(&self) -> usize {
        0
    }

    /// The memory of its instances, if known.
    fn memory(&self) -> Option<MemoryUse> {
        None
    }

    /// Describes the model in one sentence.
    fn describe(&self) -> &str;
}
