//! What is answered where no component could: in the shape of the API's errors.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

pub fn bad_request(detail: &str) -> Response<WasiBody> {
    error(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail)
}

pub fn internal_error() -> Response<WasiBody> {
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL_ERROR",
        "Something went wrong. Try again later.",
    )
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
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
