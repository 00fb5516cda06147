//! Internal errors, and their messages for callers.

use std::error::Error;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use concept_refinement_capability::log_throttled;
use concept_refinement_domain::capability::CapabilityError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("there is no connection to a server")]
    Disconnected,
    #[error("the server did not answer in time")]
    Silent,
    #[error("the stream does not exist")]
    NoStream,
    #[error("the stream is full")]
    Full,
    #[error("the message is longer than the server takes")]
    TooLong,
    /// Why a server, or an existing stream or consumer, cannot be used. Trying again does not
    /// help; the operator has to change something.
    #[error("{0}")]
    Unfit(String),
    #[error("{0}")]
    Other(String),
}

impl Fault {
    /// Any other error of the client.
    pub(super) fn other(error: impl Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Most errors of the client already end with their causes.
            let reason = error.to_string();
            if !text.ends_with(&reason) {
                text = format!("{text}: {reason}");
            }
            cause = error.source();
        }
        Self::Other(text)
    }

    /// Logs the details, which may name servers, and returns a sentence without
    /// them.
    pub(super) fn report(self) -> CapabilityError {
        if let Self::TooLong = self {
            return CapabilityError::invalid("The message is too long for the queue.");
        }
        log_throttled!(error every minute, "the queue failed", error = %self);
        match self {
            Self::Full => CapabilityError::full("The queue has no room left."),
            _ => CapabilityError::unavailable("The queue cannot be used at the moment."),
        }
    }
}

impl From<PublishError> for Fault {
    fn from(error: PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::NoStream,
            PublishErrorKind::TimedOut => Self::Silent,
            PublishErrorKind::MaxPayloadExceeded => Self::TooLong,
            PublishErrorKind::BrokenPipe => Self::Disconnected,
            _ => {
                let refused = error.source().and_then(<dyn Error>::downcast_ref);
                let code = refused.map(jetstream::Error::error_code);
                match code {
                    Some(ErrorCode::STREAM_STORE_FAILED) => Self::Full,
                    Some(_) | None => Self::other(error),
                }
            }
        }
    }
}
