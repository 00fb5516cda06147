//! Errors of a bucket, and the sentences about them for callers and operators.

use std::error::Error as _;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::tls;
use concept_refinement_domain::capability::CapabilityError;
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

/// Begins the addresses of AWS's metadata service, which is asked for the credentials of the
/// machine if no others are set. Errors name the address.
const METADATA: &str = "http://169.254.169.254/latest/";

/// Where nobody knows which right is missing.
const RIGHTS: &str = "its credentials do not permit this: they need s3:ListBucket, s3:GetObject, \
     s3:PutObject and s3:DeleteObject";

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
    /// No key is set, and the machine has none.
    NoCredentials,
    /// The key does not permit this: what it lacks, as the end of a sentence.
    Forbidden(&'static str),
    /// The clocks differ too much.
    Clock,
    /// The service asks to reduce the request rate.
    Busy,
    /// The certificate of the server is not trusted: why, as the end of a sentence.
    Certificate(&'static str),
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
            | Self::Forbidden(_)
            | Self::Clock
            | Self::Certificate(_) => true,
            // A machine may get its role later.
            Self::NoCredentials | Self::Missing | Self::Busy | Self::Unreachable | Self::Broken => {
                false
            }
        }
    }

    /// For operators, as the end of a sentence.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Certificate(sentence) | Self::Forbidden(sentence) => sentence,
            Self::Missing => "there is no such object",
            Self::NoBucket => "there is no such bucket",
            Self::ElsewhereInTheWorld => "the bucket is in another region than AWS_REGION says",
            Self::Credentials => {
                "its credentials are refused: AWS_ACCESS_KEY_ID is not known, or \
                 AWS_SECRET_ACCESS_KEY does not fit it"
            }
            Self::NoCredentials => {
                "there are no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not \
                 set, and the metadata service of this machine gives none"
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
        if text.contains(METADATA) {
            return Self::NoCredentials;
        }
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
                | "ExpiredToken"
                | "InvalidSecurity"
                | "MissingSecurityHeader"
                | "NotSignedUp",
            ) => return Self::Credentials,
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
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<HttpError>() {
                return error.into();
            }
            cause = error.source();
        }
        match text.contains("redirect") {
            true => Self::ElsewhereInTheWorld,
            false => Self::Broken,
        }
    }
}

impl From<&HttpError> for Fault {
    fn from(error: &HttpError) -> Self {
        if let Some(sentence) = tls::error_of(error).and_then(tls::distrust) {
            return Self::Certificate(sentence);
        }
        match error.kind() {
            HttpErrorKind::Connect | HttpErrorKind::Timeout => Self::Unreachable,
            _ => Self::Broken,
        }
    }
}

/// The code in the text of an error response.
pub(super) fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::future::BoxFuture;
    use http::StatusCode;
    use object_store::aws::AmazonS3Builder;
    use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpResponse, HttpService};
    use object_store::path::Path;
    use object_store::{ClientOptions, GetOptions, ObjectStore as _};

    use super::*;

    /// Finds nothing anywhere.
    #[derive(Debug)]
    struct Nowhere;

    impl HttpConnector for Nowhere {
        fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
            Ok(HttpClient::new(Self))
        }
    }

    impl HttpService for Nowhere {
        fn call<'a, 'b>(&'a self, _: HttpRequest) -> BoxFuture<'b, Result<HttpResponse, HttpError>>
        where
            'a: 'b,
            Self: 'b,
        {
            let mut response = HttpResponse::new(Bytes::new().into());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Box::pin(std::future::ready(Ok(response)))
        }
    }

    #[tokio::test]
    async fn a_machine_without_credentials_is_told_from_a_server_that_fails() {
        let without = AmazonS3Builder::new()
            .with_bucket_name("images")
            .with_http_connector(Nowhere);
        let with = without.clone().with_access_key_id("key");
        let with = with.with_secret_access_key("secret");
        for (s3, expected) in [(without, Fault::NoCredentials), (with, Fault::Missing)] {
            let s3 = s3.build().unwrap();
            let answer = s3.get_opts(&Path::from("a"), GetOptions::default()).await;
            assert_eq!(answer.err().map(Fault::from), Some(expected));
        }
    }
}
