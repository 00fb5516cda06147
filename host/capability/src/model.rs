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
    /// The same at each repeat of the same task.
    pub task_id: String,
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
    /// Opens it again, where that can be done. Else what was read of it is held
    /// until there is an answer.
    pub reopen: Option<Reopen>,
    /// What tells the asker that an answer cannot be continued at the moment.
    pub retry_later: RetryLater,
    /// When the task has to be done.
    pub deadline: Instant,
    /// Counts the calls of the task that cost, and keeps their receipts.
    pub payments: Payments,
}

/// Tells the worker of a task that it must be tried again later: the model's answer had
/// begun, and there is no memory to continue it. The answer then has no end.
#[derive(Clone, Debug, Default)]
pub struct RetryLater(CancellationToken);

impl RetryLater {
    /// Tells it.
    pub fn set(&self) {
        self.0.cancel();
    }

    /// Whether it was told.
    pub fn is_set(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Completes when it is told.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }
}

/// How many calls can compute at a time.
///
/// # Errors
///
/// The system does not tell.
pub fn cores() -> std::io::Result<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

impl ModelRequest {
    /// The same for this image.
    pub fn with(&self, image: BoxStream<'static, Bytes>) -> Self {
        Self {
            task_id: self.task_id.clone(),
            prompt: self.prompt.clone(),
            strength: self.strength,
            logo_description: self.logo_description.clone(),
            theme_description: self.theme_description.clone(),
            media_type: self.media_type.clone(),
            length: self.length,
            source_url: self.source_url.clone(),
            image,
            reopen: self.reopen.clone(),
            retry_later: self.retry_later.clone(),
            deadline: self.deadline,
            payments: self.payments.clone(),
        }
    }
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
        /// What the model says of its work, as `domain::note` bounds it.
        notes: Vec<String>,
    },
    /// A URL from which the image can be downloaded.
    Location(String),
}

/// Why there is no refined image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// It was not accepted. A repeat can help.
    Unavailable {
        /// A sentence for the user.
        reason: String,
        /// How long to wait before, if the model said so.
        retry_after: Option<Duration>,
        /// It works, and was asked more than it wants to be.
        is_rate_limit: bool,
    },
    /// It was perhaps accepted. A repeat can help, and may have to be paid for again.
    Unknown(String),
    /// A repeat cannot help.
    Refused(String),
    /// The key was refused, or is missing: not accepted, and a repeat cannot help.
    Unauthorized(String),
    /// It trapped or timed out; a repeat would do so again. Unlike a refusal,
    /// this counts against the model's health.
    Broken(String),
}

/// What sees each call of one link of a chain by the middleware before it.
pub trait LinkCalls: Send + Sync {
    /// Answers as the call does. Dropping the future cancels it.
    fn around<'a>(
        &'a self,
        call: BoxFuture<'a, Result<ModelAnswer, ModelError>>,
    ) -> BoxFuture<'a, Result<ModelAnswer, ModelError>>;
}

/// The memory that the instances of models have, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// In bytes.
    pub bytes: u64,
    /// In bytes.
    pub limit: u64,
    /// How many calls were ended for want of memory so far, to be tried again.
    pub put_off: u64,
}

/// What refines images.
pub trait ImageModel: Send + Sync {
    /// Refines one image. Dropping the future cancels the call.
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>>;

    /// How many calls can run at a time. More would only wait, and a waiting
    /// task is better left in the queue.
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
