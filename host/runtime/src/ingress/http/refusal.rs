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
}

impl From<Refusal> for Response<WasiBody> {
    fn from(refusal: Refusal) -> Self {
        let mut response = error(refusal.status(), refusal.code(), refusal.detail());
        let headers = response.headers_mut();
        if let Some(wait) = refusal.retry_after() {
            headers.insert(header::RETRY_AFTER, wait.into());
        }
        if refusal.closes() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::UnknownCoding => StatusCode::BAD_REQUEST,
            Self::LongHead => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::TooManyConnections | Self::TimedOut => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::BadRequest(_) | Self::UnknownCoding => "BAD_REQUEST",
            Self::LongHead => "REQUEST_HEADER_FIELDS_TOO_LARGE",
            Self::NotFound => "NOT_FOUND",
            Self::Misdirected => "MISDIRECTED_REQUEST",
            Self::TooOften(_) => "RATE_LIMIT_EXCEEDED",
            Self::Overloaded | Self::TooManyConnections | Self::TimedOut => "SERVICE_UNAVAILABLE",
            Self::InternalError => "INTERNAL_ERROR",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::BadRequest(detail) => detail,
            Self::LongHead => "The head of the request is longer than 32 KiB.",
            Self::UnknownCoding => "the request's Transfer-Encoding is not chunked alone",
            Self::NotFound => "There is nothing at this path.",
            Self::Misdirected => {
                "This service answers to names of this machine only. Its operator can set \
                 `public-url` to another name, or name a proxy in `trusted-proxies`."
            }
            Self::TooOften(_) => "Too many sessions from this address. Try again later.",
            Self::Overloaded => "Too many requests are under way. Try again later.",
            Self::TooManyConnections => "Too many connections are open. Try again later.",
            Self::TimedOut => "The request took too long. Try again later.",
            Self::InternalError => "Something went wrong. Try again later.",
        }
    }

    /// In seconds.
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooOften(wait) => Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            Self::Overloaded | Self::TooManyConnections | Self::TimedOut => Some(1),
            Self::BadRequest(_)
            | Self::LongHead
            | Self::UnknownCoding
            | Self::NotFound
            | Self::Misdirected
            | Self::InternalError => None,
        }
    }

    fn closes(self) -> bool {
        matches!(
            self,
            Self::LongHead | Self::UnknownCoding | Self::TooManyConnections
        )
    }
}

/// An error in the form of the API's, with the header fields that the component puts on
/// its own.
pub fn error(status: StatusCode, code: &str, detail: &str) -> Response<WasiBody> {
    let error = serde_json::json!({
        "detail": detail,
        "status_code": status.as_u16(),
        "error_code": code,
        "field_errors": null,
    });
    let body = Full::new(Bytes::from(error.to_string()))
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in FIELDS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
