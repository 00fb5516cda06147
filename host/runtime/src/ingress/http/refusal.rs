//! What the host itself refuses, and the answers that say so, in the form of the
//! API's errors.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

/// Header fields that the component puts on its errors.
const FIELDS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Why a request is not handed to the component, or not answered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    BadRequest(&'static str),
    LongHead,
    /// It is unclear where the request ends.
    UnknownCoding,
    /// There is nothing at this path.
    NotFound,
    /// The service does not have this name.
    Misdirected,
    /// The client exceeded its rate. It may come back after this time.
    TooOften(Duration),
    /// Too much is under way, and who asks has its share of it.
    Overloaded,
    /// The same of connections, so that this one is closed.
    TooManyConnections,
    TimedOut,
    InternalError,
    /// A push that is none.
    PushMethod,
    UnprovenPush,
    /// What it has to prove cannot be checked now.
    NoPushKeys,
    LongPush,
    InterruptedPush,
    /// It is to be pushed again.
    PushAgain,
}

impl From<Refusal> for Response<WasiBody> {
    fn from(refusal: Refusal) -> Self {
        let (status, detail) = refusal.says();
        let error = serde_json::json!({
            "detail": detail,
            "status_code": status.as_u16(),
            "error_code": code(status),
            "field_errors": null,
        });
        let body = Full::new(Bytes::from(error.to_string()))
            .map_err(|never| match never {})
            .boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in FIELDS.into_iter().chain(refusal.field()) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        match refusal {
            Refusal::TooOften(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl Refusal {
    fn says(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(detail) => (StatusCode::BAD_REQUEST, detail),
            Self::LongHead => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The head of the request is longer than 32 KiB.",
            ),
            Self::UnknownCoding => (
                StatusCode::BAD_REQUEST,
                "the request's Transfer-Encoding is not chunked alone",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "There is nothing at this path."),
            Self::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "This service answers to names of this machine only. Its operator can set \
                 `public-url` to another name, or name a proxy in `trusted-proxies`.",
            ),
            Self::TooOften(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many sessions from this address. Try again later.",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests are under way. Try again later.",
            ),
            Self::TooManyConnections => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many connections are open. Try again later.",
            ),
            Self::TimedOut => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The request took too long. Try again later.",
            ),
            Self::InternalError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong. Try again later.",
            ),
            Self::PushMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "This path does not answer to that method.",
            ),
            Self::UnprovenPush => (
                StatusCode::UNAUTHORIZED,
                "The push does not prove who sends it.",
            ),
            Self::NoPushKeys => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The keys of the push's token cannot be fetched. Try again later.",
            ),
            Self::LongPush => (StatusCode::PAYLOAD_TOO_LARGE, "A push has at most 512 KiB."),
            Self::InterruptedPush => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "The body ended before it was complete.",
            ),
            Self::PushAgain => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The message could not be dealt with. Push it again.",
            ),
        }
    }

    /// What its answer has in its head besides.
    fn field(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::LongHead | Self::UnknownCoding | Self::TooManyConnections => {
                Some((header::CONNECTION, "close"))
            }
            Self::PushMethod => Some((header::ALLOW, "POST")),
            Self::UnprovenPush => Some((header::WWW_AUTHENTICATE, "Bearer")),
            _ => None,
        }
    }
}

/// The API's name for errors of this status.
fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "BAD_REQUEST",
        StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
        StatusCode::PAYLOAD_TOO_LARGE => "PAYLOAD_TOO_LARGE",
        StatusCode::MISDIRECTED_REQUEST => "MISDIRECTED_REQUEST",
        StatusCode::UNPROCESSABLE_ENTITY => "VALIDATION_ERROR",
        StatusCode::TOO_MANY_REQUESTS => "RATE_LIMIT_EXCEEDED",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "REQUEST_HEADER_FIELDS_TOO_LARGE",
        StatusCode::SERVICE_UNAVAILABLE => "SERVICE_UNAVAILABLE",
        _ => "INTERNAL_ERROR",
    }
}
