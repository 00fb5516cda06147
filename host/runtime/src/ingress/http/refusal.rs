//! Requests that the host itself refuses, with answers in the form of the API's errors, or
//! of OpenAI's.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use wasmtime_wasi_http::WasiBody;

use super::throttle::TooOften;
use crate::body::whole;

/// Header fields that protect a browser from a response that is not a page, as the
/// component sets them on its errors.
pub const PROTECTION: [(HeaderName, &str); 6] = [
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

/// Why the component does not get or does not answer a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    BadRequest(&'static str),
    LongHead,
    /// It is unclear where the request ends.
    UnknownCoding,
    /// There is nothing at this path.
    NotFound,
    /// The service does not have this host name.
    Misdirected,
    /// The client exceeded its rate limit, and may try again after this time.
    TooOften(TooOften),
    /// There is too much load, and this client has its share of it.
    Overloaded,
    /// The client has its share of connections, so this one is closed.
    TooManyConnections,
    TimedOut,
    /// The service has been stopped.
    Stopping,
    InternalError,
    /// A push request with a wrong method.
    PushMethod,
    UnprovenPush,
    /// There are no keys to verify the token with.
    NoPushKeys,
    LongPush,
    InterruptedPush,
    /// The message has to be pushed again.
    PushAgain,
}

/// The form of an answer's body.
#[derive(Clone, Copy)]
pub enum ErrorForm {
    Api,
    OpenAi,
}

impl ErrorForm {
    /// Of requests to this path.
    pub fn of(path: &str) -> Self {
        match concept_refinement_domain::openai::has(path) {
            true => Self::OpenAi,
            false => Self::Api,
        }
    }

    fn body(self, status: StatusCode, detail: &str) -> String {
        let error = match self {
            Self::Api => serde_json::json!({
                "detail": detail,
                "status_code": status.as_u16(),
                "error_code": error_code(status),
                "field_errors": null,
            }),
            Self::OpenAi => serde_json::json!({
                "error": {
                    "message": detail,
                    "type": error_type(status),
                    "param": null,
                    "code": null,
                },
            }),
        };
        error.to_string()
    }
}

impl Refusal {
    /// The answer to the request.
    pub fn answer(self, form: ErrorForm) -> Response<WasiBody> {
        let (status, detail) = self.says();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(whole(form.body(status, detail)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let media_type = (header::CONTENT_TYPE, "application/json");
        let fields = PROTECTION.into_iter().chain([media_type]);
        for (name, value) in fields.chain(self.field()) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        match self {
            Self::TooOften(TooOften { wait, .. }) => {
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

    /// The status, and the sentence for the user.
    fn says(self) -> (u16, &'static str) {
        match self {
            Self::BadRequest(detail) => (400, detail),
            Self::LongHead => (431, "The head of the request is longer than 32 KiB."),
            Self::UnknownCoding => (400, "the request's Transfer-Encoding is not chunked alone"),
            Self::NotFound => (404, "There is nothing at this path."),
            Self::Misdirected => (
                421,
                "This service answers to names of this machine only. Its operator can set \
                 `public-url` to another name, or name a proxy in `trusted-proxies`.",
            ),
            Self::TooOften(TooOften { sentence, .. }) => (429, sentence),
            Self::Overloaded => (503, "Too many requests are under way. Try again later."),
            Self::TooManyConnections => (503, "Too many connections are open. Try again later."),
            Self::TimedOut => (503, "The request took too long. Try again later."),
            Self::Stopping => (503, "The service is stopping. Try again later."),
            Self::InternalError => (500, "Something went wrong. Try again later."),
            Self::PushMethod => (405, "This path does not answer to that method."),
            Self::UnprovenPush => (401, "The push does not prove who sends it."),
            Self::NoPushKeys => (
                503,
                "The keys of the push's token cannot be fetched. Try again later.",
            ),
            Self::LongPush => (413, "A push has at most 512 KiB."),
            Self::InterruptedPush => (422, "The body ended before it was complete."),
            Self::PushAgain => (503, "The message could not be dealt with. Push it again."),
        }
    }

    /// An additional header field of the answer.
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

/// The `type` of an error of OpenAI's API. api.openai.com answers a 429 for too many requests with
/// `requests`, as quoted in <https://github.com/Huanshere/VideoLingo/issues/34>; its reference
/// does not list the types.
fn error_type(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "requests",
        _ if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// The error code of the API, for users and operators, for this status.
pub fn error_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BAD_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        408 => "REQUEST_TIMEOUT",
        409 => "CONFLICT",
        413 => "PAYLOAD_TOO_LARGE",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        421 => "MISDIRECTED_REQUEST",
        422 => "VALIDATION_ERROR",
        429 => "RATE_LIMIT_EXCEEDED",
        431 => "REQUEST_HEADER_FIELDS_TOO_LARGE",
        503 => "SERVICE_UNAVAILABLE",
        _ => "INTERNAL_ERROR",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    async fn answered(refusal: Refusal, path: &str) -> (StatusCode, http::HeaderMap, Value) {
        let (head, body) = refusal.answer(ErrorForm::of(path)).into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (
            head.status,
            head.headers,
            serde_json::from_slice(&body).unwrap(),
        )
    }

    #[tokio::test]
    async fn an_answer_has_the_form_of_its_path_and_is_the_same_otherwise() {
        let too_often = Refusal::TooOften(TooOften {
            wait: Duration::from_millis(1_500),
            sentence: "Too many.",
        });
        for (refusal, status, error_type, error_code) in [
            (Refusal::NotFound, 404, "invalid_request_error", "NOT_FOUND"),
            (too_often, 429, "requests", "RATE_LIMIT_EXCEEDED"),
            (
                Refusal::UnprovenPush,
                401,
                "invalid_request_error",
                "UNAUTHORIZED",
            ),
            (
                Refusal::InternalError,
                500,
                "server_error",
                "INTERNAL_ERROR",
            ),
            (
                Refusal::Overloaded,
                503,
                "server_error",
                "SERVICE_UNAVAILABLE",
            ),
        ] {
            let (of_api, fields, body) = answered(refusal, "/v10").await;
            let (_, detail) = refusal.says();
            assert_eq!(of_api, status);
            assert_eq!(
                body,
                json!({
                    "detail": detail,
                    "status_code": status,
                    "error_code": error_code,
                    "field_errors": null,
                })
            );
            for path in ["/v1", "/v1/", "/v1/images/edits", "/v1/nothing"] {
                let (of_openai, same_fields, body) = answered(refusal, path).await;
                assert_eq!((of_openai, &same_fields), (of_api, &fields), "{path}");
                let error = json!({
                    "message": detail,
                    "type": error_type,
                    "param": null,
                    "code": null,
                });
                assert_eq!(body, json!({ "error": error }), "{path}");
            }
        }
    }
}
