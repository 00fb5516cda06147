//! Makes a single attempt to deliver a webhook.

use concept_refinement_domain::task::Task;
use concept_refinement_domain::trace::TraceContext;
use concept_refinement_domain::webhook::{DeliveryAnswer, UserKey};
use futures::future::BoxFuture;

/// A delivery: the message, its receiver and its signing keys.
pub struct Notification {
    /// The receiver's URL.
    pub url: String,
    /// The task, in its final state.
    pub task: Task,
    /// The failed task that it retries.
    pub retry_of: Option<String>,
    /// Signed URL of the refined image, if there is one.
    pub image_url: Option<String>,
    /// The user's keys: one, or two during a key rotation.
    pub keys: Vec<UserKey>,
    /// The attempt's trace context, which is sent to the receiver.
    pub trace: Option<TraceContext>,
}

/// Makes delivery attempts, each isolated from the others.
pub trait Notifier: Send + Sync {
    /// Makes one attempt. Dropping the future ends it. An error: it ended early, and it
    /// is unknown whether the receiver got the message.
    fn deliver(
        &self,
        notification: Notification,
    ) -> BoxFuture<'static, anyhow::Result<DeliveryAnswer>>;
}
