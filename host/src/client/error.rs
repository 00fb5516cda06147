//! Why a call of a client failed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answers::Task;

/// The kinds have the names that they have in the clients for Python and TypeScript.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The API refused the request.
    #[error("{detail}{}", problems(field_errors))]
    #[non_exhaustive]
    Api {
        /// The status of its answer.
        status: u16,
        /// A word for programs, as `RATE_LIMIT_EXCEEDED`.
        code: String,
        /// A sentence for the user.
        detail: String,
        /// The problems of each field of the request.
        field_errors: BTreeMap<String, Vec<String>>,
        /// After how long a repeat may succeed, if the API says so.
        retry_after: Option<Duration>,
    },
    /// The user has this task in progress, or the task to be cancelled has ended.
    #[error("{}.", .0.message)]
    Conflict(Box<Task>),
    /// The task failed or was cancelled.
    #[error("{}", .0.error_message.as_deref().unwrap_or("The task failed."))]
    TaskFailed(Box<Task>),
    /// The task of this id was deleted before it ended.
    #[error("The task was deleted.")]
    TaskDeleted(String),
    /// The host is stopping or has too much to do. The task may go on.
    #[error("The service cannot answer: {0}.")]
    Unavailable(String),
    /// An answer broke off, for example because the host stops. The task goes on.
    #[error("The answer broke off.")]
    Interrupted,
    /// An answer is not what the API promises.
    #[error("The answer cannot be understood: {0}.")]
    Malformed(String),
}

impl ClientError {
    /// Whether the API said no: nothing came of the request.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Api { status: ..500, .. })
    }
}

fn problems(fields: &BTreeMap<String, Vec<String>>) -> String {
    let field =
        |(name, problems): (&String, &Vec<String>)| format!(" {name} {}.", problems.join(", "));
    fields.iter().map(field).collect()
}
