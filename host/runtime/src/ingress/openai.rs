//! Errors of the host in the form of OpenAI's API.

use http::StatusCode;

/// The `type` of an error. api.openai.com answers a 429 for too many requests with `requests`,
/// as quoted in <https://github.com/Huanshere/VideoLingo/issues/34>; its reference does not
/// list the types.
pub fn error_type(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "requests",
        _ if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}
