//! Webhooks: notifying a receiver that a task has ended, when, and with what outcome.
//!
//! A delivery is part of its task's record. It becomes due by the very step that
//! ends the task, since it asks for nothing but that end, and goes with the task.
//! An attempt is made under a lease with a fencing token, so that of two who
//! deliver only one records what came of it.

mod delivery;
mod key;
mod permits;
mod schedule;
mod signature;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use url::Url;

use crate::original::{AllowedSources, check_url};
use crate::task::Task;
use crate::timestamp::Timestamp;

pub use delivery::{DeliveryRecord, LEASE, MAX_ATTEMPTS};
pub use key::{ServiceSecrets, UserKey};
pub use permits::{DeliveryPermits, Holder};
pub use schedule::{LONGEST_WAIT, WAITS};
pub use signature::{message_id, signatures};

/// What a user asked to be told by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// As sent.
    pub url: String,
    /// That the refine request came to. The image's URL is on it where there is no
    /// public URL.
    pub origin: String,
}

/// How a delivery stands; the last two end when it is requested again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// An attempt is to come or under way, or the task has not ended.
    Pending,
    /// The receiver has it.
    Delivered,
    /// There will be no further attempt.
    Failed,
}

/// One attempt, once it has ended.
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
    /// How it stands.
    pub state: DeliveryState,
    /// The oldest first, at most [`MAX_ATTEMPTS`].
    pub attempts: Vec<DeliveryAttempt>,
    /// None: the task has not ended, or there will be no further attempt.
    pub next_attempt_at: Option<Timestamp>,
}

/// The outcome of requesting a delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Redelivery {
    /// No such task, another user's, or no webhook was asked for.
    None,
    /// An attempt is to come or under way, or the task has not ended.
    Pending,
    /// It is due at once.
    Requested,
    /// The user, or all users, have asked for too many lately. This does not come from a
    /// store, but from the limit in front of it.
    TooOften,
}

/// The right to make one attempt. `token` is the fencing token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryLease {
    /// The task whose end is told.
    pub task_id: String,
    /// Larger than that of every attempt before it.
    pub token: u32,
    /// When another host may make an attempt.
    pub until: Timestamp,
}

/// An attempt that somebody has to make now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// The right to make it.
    pub lease: DeliveryLease,
    /// What the user asked for.
    pub webhook: Webhook,
    /// The task as it ended.
    pub task: Task,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// When it began.
    pub at: Timestamp,
    /// What the receiver said.
    pub answer: DeliveryAnswer,
}

/// What a receiver said to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryAnswer {
    /// It answered.
    Status {
        /// The status of HTTP.
        code: u16,
        /// From the end of the attempt on, as the receiver asked for.
        retry_after: Option<std::time::Duration>,
    },
    /// The receiver did not answer: why, in a sentence for the user.
    None(String),
}

impl Webhook {
    /// Who gets it: the origin of the URL.
    pub fn receiver(&self) -> String {
        let url = Url::parse(&self.url);
        url.map_or_else(
            |_| self.url.clone(),
            |url| url.origin().ascii_serialization(),
        )
    }
}

impl DeliveryState {
    /// In the order in which they come.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// As in JSON and in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// Checks a URL that a user wants to be told at, without resolving its name. The
/// error completes the sentence "the URL …", for the user.
///
/// The rules are those for originals, but that http is only for what the operator
/// named: the message tells what the user made.
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

/// Whether it is a URL of a scheme that may be allowed at all.
fn has_scheme(url: &str) -> bool {
    url.chars().nth(crate::original::MAX_URL_CHARS).is_some()
        || url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
