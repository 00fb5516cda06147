//! Webhooks: notifying a receiver that a task has ended, when, and with what outcome.
//!
//! A delivery is part of its task's record. It becomes due in the same step that ends the
//! task, and is deleted with the task. An attempt is made under a lease with a fencing
//! token, so that if two hosts deliver, only one of them records the outcome.

mod delivery;
mod key;
mod permits;
mod schedule;
mod signature;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use url::Url;

use crate::original::{AllowedSources, MAX_URL_CHARS, check_url};
use crate::sentence::check_length;
use crate::task::Task;
use crate::timestamp::Timestamp;
use crate::trace::TraceContext;

pub use delivery::{DeliveryRecord, LEASE, MAX_ATTEMPTS};
pub use key::{ServiceSecrets, UserKey};
pub use permits::{DeliveryPermits, Holder};
pub use schedule::{LONGEST_WAIT, WAITS};
pub use signature::{message_id, signatures};

/// A webhook as requested by a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// As sent.
    pub url: String,
    /// The origin of the refine request. The image's URL is based on it if there is no
    /// public URL.
    pub origin: String,
}

// In the order of a delivery's life.
crate::words! {
    /// The state of a delivery. A redelivery request resets the last two.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum DeliveryState {
        /// An attempt is scheduled or in progress, or the task has not ended.
        #[default]
        Pending = "pending",
        /// The receiver has accepted it.
        Delivered = "delivered",
        /// There will be no more attempts.
        Failed = "failed",
    }
}

/// An attempt that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// None: the receiver did not answer.
    pub status: Option<u16>,
    /// A sentence for the user. None: it was delivered.
    pub error: Option<String>,
}

/// A delivery as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The receiver, as the user sent it.
    pub url: String,
    /// Its state.
    pub state: DeliveryState,
    /// The oldest first, at most [`MAX_ATTEMPTS`].
    pub attempts: Vec<DeliveryAttempt>,
    /// None: the task has not ended, or there will be no more attempts.
    pub next_attempt_at: Option<Timestamp>,
}

/// The outcome of requesting a redelivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Redelivery {
    /// No such task, another user's, or it has no webhook.
    None,
    /// An attempt is scheduled or in progress, or the task has not ended.
    Pending,
    /// It is due at once.
    Requested,
    /// The user, or all users together, have made too many requests recently. This comes
    /// from the rate limit, never from a store.
    TooOften,
}

/// The right to make one attempt. `token` is the fencing token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryLease {
    /// The task whose end is reported.
    pub task_id: String,
    /// Larger than in every earlier attempt.
    pub token: u32,
    /// When another host may make an attempt.
    pub until: Timestamp,
}

/// An attempt that has to be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// The right to make the attempt.
    pub lease: DeliveryLease,
    /// The webhook as requested by the user.
    pub webhook: Webhook,
    /// The failed task that it retries.
    pub retry_of: Option<String>,
    /// The task in its final state.
    pub task: Task,
    /// The trace context of its request.
    pub trace: Option<TraceContext>,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// When it began.
    pub at: Timestamp,
    /// The receiver's answer.
    pub answer: DeliveryAnswer,
}

/// The receiver's answer to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryAnswer {
    /// It answered.
    Status {
        /// The HTTP status.
        code: u16,
        /// The delay that the receiver requested, counted from the end of the attempt.
        retry_after: Option<std::time::Duration>,
    },
    /// There was no answer: the reason, as a sentence for the user.
    None(String),
}

impl Webhook {
    /// The receiver: the origin of the URL.
    pub fn receiver(&self) -> String {
        let url = Url::parse(&self.url);
        url.map_or_else(
            |_| self.url.clone(),
            |url| url.origin().ascii_serialization(),
        )
    }
}

/// Validates a URL of a webhook without resolving its name. The error completes the
/// sentence "the URL …", for the user.
///
/// The rules are those for originals, except that http is allowed only for hosts
/// configured by the operator, because the message reveals the user's work.
pub fn check_webhook_url(url: &str, allowed: &AllowedSources) -> Result<(), String> {
    let url = match check_url(url, allowed) {
        Err(_) if !has_scheme(url) => return Err(NO_HTTPS.into()),
        checked => checked?,
    };
    if url.scheme() == "https" || allowed.allows_url(&url) {
        Ok(())
    } else {
        Err(NO_HTTPS.into())
    }
}

const NO_HTTPS: &str = "must be an https URL";

/// Whether it is a URL with a scheme that may be allowed at all, or too long to be read.
fn has_scheme(url: &str) -> bool {
    check_length(url, MAX_URL_CHARS).is_err()
        || Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
