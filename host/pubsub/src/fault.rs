//! Internal errors, and their messages for callers.

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::queue::recent_fault::RecentFault;
use concept_refinement_domain::capability::CapabilityError;
use http::StatusCode;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("it did not answer in time")]
    Silent,
    #[error("it cannot be reached: {0}")]
    Connection(String),
    /// The server's certificate is not trusted.
    #[error("{0}")]
    Untrusted(String),
    #[error("there are no usable Google credentials: {reason}")]
    Credentials {
        reason: String,
        /// Whether trying again may help.
        is_transient: bool,
    },
    #[error("{name} does not exist")]
    Missing { name: String },
    #[error("it answered {status}: {reason}")]
    Refused { status: StatusCode, reason: String },
    #[error("its answer cannot be read")]
    Unreadable,
}

/// Reports the outcome of a call. Its refusal is remembered: other calls may be allowed.
pub(super) fn reported<T>(
    outcome: Result<T, Fault>,
    refusals: &RecentFault,
) -> Result<T, CapabilityError> {
    let is_refused = |fault: &Fault| matches!(fault, Fault::Missing { .. } | Fault::Refused { .. });
    let is_noted = outcome.as_ref().err().is_none_or(is_refused);
    let outcome = outcome.map_err(Fault::report);
    if is_noted {
        refusals.note(&outcome);
    }
    outcome
}

impl Fault {
    /// Whether trying again does not help.
    pub(super) fn is_definitive(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Untrusted(_) => true,
            Self::Credentials { is_transient, .. } => !is_transient,
            Self::Refused { status, .. } => *status == StatusCode::UNAUTHORIZED,
            Self::Silent | Self::Connection(_) | Self::Unreadable => false,
        }
    }

    /// Logs the details, which may be confidential, and returns a sentence without them.
    pub(super) fn report(self) -> CapabilityError {
        log_throttled!(error every minute, "the queue in Pub/Sub failed", error = %self);
        CapabilityError::unavailable("The queue cannot be used at the moment.")
    }
}
