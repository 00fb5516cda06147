//! Answers of the host itself, in the form of the API's errors.

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

pub fn bad_request(detail: &str) -> Response<WasiBody> {
    error(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail)
}

/// Closes the connection.
pub fn long_head() -> Response<WasiBody> {
    closing(error(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "REQUEST_HEADER_FIELDS_TOO_LARGE",
        "The head of the request is longer than 32 KiB.",
    ))
}

/// Closes the connection, since it is unclear where the request ends.
pub fn unknown_coding() -> Response<WasiBody> {
    closing(bad_request(
        "the request's Transfer-Encoding is not chunked alone",
    ))
}

pub fn internal_error() -> Response<WasiBody> {
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL_ERROR",
        "Something went wrong. Try again later.",
    )
}

/// The client exceeded its rate.
pub fn too_often(wait: Duration) -> Response<WasiBody> {
    let detail = "Too many sessions from this address. Try again later.";
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", detail);
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    response
}

pub fn overloaded() -> Response<WasiBody> {
    later(error(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "Too many requests are under way. Try again later.",
    ))
}

pub fn timed_out() -> Response<WasiBody> {
    later(error(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "The request took too long. Try again later.",
    ))
}

fn closing(mut response: Response<WasiBody>) -> Response<WasiBody> {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn later(mut response: Response<WasiBody>) -> Response<WasiBody> {
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn error(status: StatusCode, code: &str, detail: &str) -> Response<WasiBody> {
    let body = serde_json::json!({
        "detail": detail,
        "status_code": status.as_u16(),
        "error_code": code,
        "field_errors": null,
    });
    let body = Full::new(Bytes::from(body.to_string()))
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
