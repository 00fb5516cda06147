//! OpenAI's API, as far as the host has to know it: the component answers it, but what the
//! host limits and refuses depends on its paths.

use http::StatusCode;

/// Path of the requests that bring their images along and are answered when their task has
/// ended.
pub const EDITS: &str = "/v1/images/edits";

/// Whether a path belongs to it, known or not.
pub fn is_path(path: &str) -> bool {
    let rest = path.strip_prefix("/v1");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

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
