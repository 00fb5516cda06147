//! Errors of the interface `image-model`.

use std::time::Duration;

use concept_refinement_domain::image::{Problem, pixels_in_words};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::{retry, size};

use crate::Failure;
use crate::message::{is_about_key, is_about_money};
use crate::ports::BrokeOff;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not accepted. Trying again can help, after this time if the provider said so.
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
        /// The provider limits our rate.
        is_rate_limit: bool,
    },
    /// Possibly accepted. Trying again can help, but may cost again.
    Unknown(String),
    /// Trying again cannot help.
    Refused(String),
    /// The provider does not answer as it should: the request is not to blame, and trying
    /// again would cost as much and fail the same way.
    Broken(String),
    /// The key was refused or is missing, or there is no money: not accepted, and trying
    /// again cannot help.
    Unauthorized(String),
}

impl Error {
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(reason.into())
    }

    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            retry_after: None,
            is_rate_limit: false,
        }
    }

    /// The same error for a request that cannot have been accepted: it requested no work,
    /// or was not sent completely.
    pub fn not_accepted(self) -> Self {
        match self {
            Self::Unknown(reason) => Self::unavailable(reason),
            error => error,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Unknown(_) => true,
            Self::Refused(_) | Self::Broken(_) | Self::Unauthorized(_) => false,
        }
    }

    /// The error for a status. `message` is the provider's sanitized message.
    pub fn of_status(
        status: u16,
        has_key: bool,
        message: Option<String>,
        retry_after: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let answered = || match &message {
            Some(message) => format!("the provider answered {status}: {message}"),
            None => format!("the provider answered {status}"),
        };
        let is_about = |what: fn(&str) -> bool| message.as_deref().is_some_and(what);
        match status {
            402 => Self::Unauthorized(answered()),
            403 if is_about(is_about_money) => Self::Unauthorized(answered()),
            401 | 403 if status == 401 || message.is_none() || is_about(is_about_key) => {
                Self::Unauthorized(match has_key {
                    true => "the provider refused the key".to_owned(),
                    false => "the provider wants a key, and none is set".to_owned(),
                })
            }
            300..=399 => {
                Self::broken("the provider answered with a redirect, which is not followed")
            }
            429 | 503 => Self::Unavailable {
                reason: answered(),
                retry_after: retry_after.and_then(|value| retry::parse_retry_after(value, now)),
                is_rate_limit: status == 429,
            },
            500..=599 => Self::Unknown(answered()),
            _ => Self::refused(answered()),
        }
    }

    /// The error for an address at which this model may not ask.
    pub fn of_address() -> Self {
        Self::broken("the provider named an address that is not its own, and was not asked there")
    }

    /// The error for an answer without a usable image.
    pub fn of_image(problem: Problem) -> Self {
        Self::broken(match problem {
            Problem::Empty => "the provider's answer is empty".to_owned(),
            Problem::NotAnImage => "the provider's answer is not an image".to_owned(),
            Problem::Unsupported(format) => {
                format!("the provider's answer is of the format {format}, which is not supported")
            }
            Problem::CutShort => "the provider's answer is cut short".to_owned(),
            Problem::Incomplete => {
                "part of the picture is missing from the provider's answer".to_owned()
            }
            Problem::Malformed => "the provider's answer is not a well-formed image".to_owned(),
            Problem::TooLarge { max_bytes } => {
                let most = size::in_words(max_bytes);
                format!("the provider's answer is larger than {most}")
            }
            Problem::Packed => {
                "the provider's answer has too much packed beside its picture".to_owned()
            }
            Problem::TooManyPixels { max_pixels } => {
                let most = pixels_in_words(max_pixels);
                format!("the provider's answer has more than {most}")
            }
        })
    }
}

/// A request that cannot be serialized.
impl From<serde_json::Error> for Error {
    fn from(_: serde_json::Error) -> Self {
        Self::refused("the request to the provider cannot be written")
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        use Failure::*;
        let unknown = |reason: &str| Self::Unknown(reason.to_owned());
        match failure {
            Forbidden => Self::refused("this model may not reach the address of its provider"),
            Unresolvable => Self::unavailable("the name of the provider cannot be resolved"),
            Unreachable => Self::unavailable("the provider cannot be connected to"),
            ConnectTimedOut => Self::unavailable("the provider cannot be connected to in time"),
            Tls => Self::unavailable("no secure connection to the provider can be made"),
            TimedOut => unknown("the provider did not answer in time"),
            Broken => unknown("the provider did not answer properly"),
        }
    }
}

impl From<BrokeOff> for Error {
    fn from(_: BrokeOff) -> Self {
        Self::Unknown("the provider's answer broke off".to_owned())
    }
}
