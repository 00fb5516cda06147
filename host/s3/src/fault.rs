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

const NO_TLS: &str = "TLS cannot be agreed on with the server: if it has none, AWS_ENDPOINT_URL \
     must begin with http://";
const NO_HTTP: &str = "the server does not answer as one of HTTP: if it has TLS, AWS_ENDPOINT_URL \
     must begin with https://";

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no such object.
    Missing,
    NoBucket,
    /// The bucket is in another region.
    ElsewhereInTheWorld,
    /// The key is unknown, or its secret is wrong.
    Credentials,
    /// The session token is too old.
    Expired,
    /// No key is set, and none is given: why, as the end of a sentence.
    NoCredentials(&'static str),
    /// The key does not permit this: what it lacks, as the end of a sentence.
    Forbidden(&'static str),
    /// The clocks differ too much.
    Clock,
    /// The service asks to reduce the request rate.
    Busy,
    /// The certificate of the server is not trusted: why, as the end of a sentence.
    Certificate(&'static str),
    /// The server speaks another protocol: which, as the end of a sentence.
    Protocol(&'static str),
    /// There was no connection, or no response in time; the request may have been
    /// executed.
    Unreachable,
    /// The service failed, or the response broke off.
    Broken,
}

impl Fault {
    /// Whether the error lasts until an operator changes something.
    pub(super) fn is_definitive(self) -> bool {
        match self {
            Self::NoBucket
            | Self::ElsewhereInTheWorld
            | Self::Credentials
            | Self::Expired
            | Self::Forbidden(_)
            | Self::Clock
            | Self::Certificate(_) => true,
            // A machine may get its role later.
            Self::NoCredentials(_)
            | Self::Missing
            | Self::Busy
            | Self::Protocol(_)
            | Self::Unreachable
            | Self::Broken => false,
        }
    }

    /// For operators, as the end of a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::NoCredentials(sentence)
            | Self::Forbidden(sentence)
            | Self::Certificate(sentence)
            | Self::Protocol(sentence) => sentence,
            Self::Missing => "there is no such object",
            Self::NoBucket => "there is no such bucket",
            Self::ElsewhereInTheWorld => "the bucket is in another region than AWS_REGION says",
            Self::Credentials => {
                "its credentials are refused: AWS_ACCESS_KEY_ID is not known, or \
                 AWS_SECRET_ACCESS_KEY does not fit it"
            }
            Self::Expired => {
                "its credentials are refused: their session token (AWS_SESSION_TOKEN) has expired"
            }
            Self::Clock => "the clock of this machine is too far from the server's",
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
            Some("NoSuchBucket" | "InvalidBucketName") => return Self::NoBucket,
            Some(
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
            ) => {
                return Self::ElsewhereInTheWorld;
            }
            Some(
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "InvalidToken"
                | "InvalidSecurity"
                | "MissingSecurityHeader"
                | "NotSignedUp",
            ) => return Self::Credentials,
            Some("ExpiredToken") => return Self::Expired,
            Some("RequestTimeTooSkewed" | "RequestExpired") => return Self::Clock,
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
            Error::Unauthenticated { .. } => return Self::Credentials,
            _ => {}
        }
        for cause in causes(&error) {
            if let Some(&NoCredentials(sentence)) = cause.downcast_ref() {
                return Self::NoCredentials(sentence);
            }
            if let Some(error) = cause.downcast_ref::<HttpError>() {
                return error.into();
            }
        }
        match text.contains("redirect") {
            true => Self::ElsewhereInTheWorld,
            false => Self::Broken,
        }
    }
}

impl From<&HttpError> for Fault {
    fn from(error: &HttpError) -> Self {
        if let Some(error) = tls::error_of(error) {
            return match tls::distrust(error) {
                Some(sentence) => Self::Certificate(sentence),
                None => Self::Protocol(NO_TLS),
            };
        }
        let mut of_http = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
        if of_http.any(hyper::Error::is_parse) {
            return Self::Protocol(NO_HTTP);
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
