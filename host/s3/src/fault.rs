//! Errors of a bucket, and the sentences about them for callers and operators.

use std::error::Error as StdError;
use std::iter::successors;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::tls;
use concept_refinement_domain::capability::CapabilityError;
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::credentials::NoCredentials;

/// Where nobody knows which right is missing.
const RIGHTS: &str = "its credentials do not permit this: they need s3:ListBucket, s3:GetObject, \
     s3:PutObject and s3:DeleteObject";

const CREDENTIALS: &str = "its credentials are refused: AWS_ACCESS_KEY_ID is not known, or \
     AWS_SECRET_ACCESS_KEY does not fit it";

const EXPIRED: &str =
    "its credentials are refused: their session token (AWS_SESSION_TOKEN) has expired";

const ELSEWHERE: &str = "the bucket is in another region than AWS_REGION says";
const CLOCK: &str = "the clock of this machine is too far from the server's";

const NO_TLS: &str = "TLS cannot be agreed on with the server: if it has none, AWS_ENDPOINT_URL \
     must begin with http://";
const NO_HTTP: &str = "the server does not answer as one of HTTP: if it has TLS, AWS_ENDPOINT_URL \
     must begin with https://";

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no such object.
    Missing,
    /// The key does not permit this: what it lacks, as the end of a sentence.
    Forbidden(&'static str),
    /// It lasts until an operator changes something: what is wrong, as the end of a sentence.
    Lasting(&'static str),
    /// It may end by itself: what is wrong, as the end of a sentence.
    Passing(&'static str),
    /// The service asks to reduce the request rate.
    Busy,
    /// There was no connection, or no response in time; the request may have been
    /// executed.
    Unreachable,
    /// The service failed, or the response broke off.
    Broken,
}

impl Fault {
    /// Whether the error lasts until an operator changes something.
    pub(super) fn is_definitive(self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::Lasting(_))
    }

    /// For operators, as the end of a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Forbidden(sentence) | Self::Lasting(sentence) | Self::Passing(sentence) => {
                sentence
            }
            Self::Missing => "there is no such object",
            Self::Busy => "the server asks for fewer requests",
            Self::Unreachable => "the server does not answer",
            Self::Broken => "the server failed",
        }
    }

    /// Logs the error, and returns a sentence for callers.
    pub(super) fn report(self) -> CapabilityError {
        let sentence = self.sentence();
        log_throttled!(error, "the image store failed: {sentence}");
        CapabilityError::unavailable(match self {
            Self::Busy => "The image store has too much to do at the moment.",
            _ => "The image store cannot be used at the moment.",
        })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match code(&text) {
            Some("NoSuchBucket" | "InvalidBucketName") => {
                return Self::Lasting("there is no such bucket");
            }
            Some(
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
            ) => {
                return Self::Lasting(ELSEWHERE);
            }
            Some(
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "InvalidToken"
                | "InvalidSecurity"
                | "MissingSecurityHeader"
                | "NotSignedUp",
            ) => return Self::Lasting(CREDENTIALS),
            Some("ExpiredToken") => return Self::Lasting(EXPIRED),
            Some("RequestTimeTooSkewed" | "RequestExpired") => return Self::Lasting(CLOCK),
            Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem") => {
                return Self::Forbidden(RIGHTS);
            }
            Some(
                "SlowDown" | "ServiceUnavailable" | "RequestLimitExceeded" | "TooManyRequests",
            ) => {
                return Self::Busy;
            }
            Some(_) | None => {}
        }
        match &error {
            Error::NotFound { .. } => return Self::Missing,
            Error::PermissionDenied { .. } => return Self::Forbidden(RIGHTS),
            Error::Unauthenticated { .. } => return Self::Lasting(CREDENTIALS),
            _ => {}
        }
        for cause in causes(&error) {
            if let Some(&NoCredentials(sentence)) = cause.downcast_ref() {
                // A machine may get its role later.
                return Self::Passing(sentence);
            }
            if let Some(error) = cause.downcast_ref::<HttpError>() {
                return error.into();
            }
        }
        match text.contains("redirect") {
            true => Self::Lasting(ELSEWHERE),
            false => Self::Broken,
        }
    }
}

impl From<&HttpError> for Fault {
    fn from(error: &HttpError) -> Self {
        if let Some(error) = tls::error_of(error) {
            return match tls::distrust(error) {
                Some(sentence) => Self::Lasting(sentence),
                None => Self::Passing(NO_TLS),
            };
        }
        let mut of_http = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
        if of_http.any(hyper::Error::is_parse) {
            return Self::Passing(NO_HTTP);
        }
        match error.kind() {
            HttpErrorKind::Connect | HttpErrorKind::Timeout => Self::Unreachable,
            _ => Self::Broken,
        }
    }
}

/// An error, and what caused it.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// The code in the text of an error response.
pub(super) fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}
