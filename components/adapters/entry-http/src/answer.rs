//! The HTTP answers.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

use serde_json::json;

/// Well above the size of our messages, whose parts are limited by validation; in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// Empty if there are no details.
    pub body: Vec<u8>,
}

impl Answer {
    /// Done, skipped or rejected: the message is acknowledged.
    pub fn acknowledged() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The message must be delivered again; with a sentence for the caller.
    pub fn retry_later(reason: &str) -> Self {
        Self::problem(503, "SERVICE_UNAVAILABLE", reason)
    }

    pub fn too_large() -> Self {
        let most = format!("A message has at most {} KiB.", MAX_MESSAGE / 1024);
        Self::problem(413, "PAYLOAD_TOO_LARGE", &most)
    }

    pub fn interrupted() -> Self {
        let detail = "The body ended before it was complete.";
        Self::problem(422, "VALIDATION_ERROR", detail)
    }

    /// In the same form as the service's other responses.
    fn problem(status: u16, error_code: &str, detail: &str) -> Self {
        let body = json!({
            "detail": detail,
            "status_code": status,
            "error_code": error_code,
            "field_errors": null,
        });
        let body = body.to_string().into_bytes();
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("content-length", body.len().to_string()),
        ];
        Self {
            status,
            headers,
            body,
        }
    }
}

/// Checks a request before its body is read. None: it is acceptable.
pub fn refuse(is_post: bool, path_with_query: &str, length: Option<u64>) -> Option<Answer> {
    let path = path_with_query.split('?').next();
    if path != Some("/process") {
        let detail = "There is nothing here.";
        return Some(Answer::problem(404, "NOT_FOUND", detail));
    }
    if !is_post {
        let detail = "This path does not answer to that method.";
        let mut answer = Answer::problem(405, "METHOD_NOT_ALLOWED", detail);
        answer.headers.push(("allow", "POST".to_owned()));
        return Some(answer);
    }
    let is_too_large = length.is_some_and(|length| length > MAX_MESSAGE as u64);
    is_too_large.then(Answer::too_large)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn each_request_has_its_answer() {
        let largest = MAX_MESSAGE as u64;
        for (is_post, path, length, expected) in [
            (true, "/process", None, None),
            (true, "/process", Some(0), None),
            (true, "/process", Some(largest), None),
            (true, "/process?again", Some(7), None),
            (true, "/process", Some(largest + 1), Some(413)),
            (true, "/process", Some(u64::MAX), Some(413)),
            (false, "/process", None, Some(405)),
            (false, "/process", Some(largest + 1), Some(405)),
            (true, "/process/", None, Some(404)),
            (true, "/Process", None, Some(404)),
            (true, "/", None, Some(404)),
            (true, "", None, Some(404)),
            (true, "?/process", None, Some(404)),
            (false, "/api/health", None, Some(404)),
        ] {
            let status = refuse(is_post, path, length).map(|answer| answer.status);
            assert_eq!(status, expected, "{is_post} {path} {length:?}");
        }
    }

    #[test]
    fn an_answer_has_the_shape_of_every_answer() {
        let reason = "The \"store\" is\nout of reach.";
        let refused = |is_post, path| refuse(is_post, path, None).unwrap();
        for (answer, status, error_code) in [
            (Answer::retry_later(reason), 503, "SERVICE_UNAVAILABLE"),
            (refused(true, "/"), 404, "NOT_FOUND"),
            (refused(false, "/process"), 405, "METHOD_NOT_ALLOWED"),
            (Answer::too_large(), 413, "PAYLOAD_TOO_LARGE"),
            (Answer::interrupted(), 422, "VALIDATION_ERROR"),
        ] {
            assert_eq!(answer.status, status);
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body["status_code"], status);
            assert_eq!(body["error_code"], error_code);
            assert_eq!(body["field_errors"], Value::Null);
            assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()));
            assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
            let length = ("content-length", answer.body.len().to_string());
            assert!(answer.headers.contains(&length), "{status}");
            let allow = ("allow", "POST".to_owned());
            assert_eq!(answer.headers.contains(&allow), status == 405);
        }
        let retried = Answer::retry_later(reason).body;
        let retried: Value = serde_json::from_slice(&retried).unwrap();
        assert_eq!(retried["detail"], reason);
    }

    #[test]
    fn what_is_acknowledged_says_nothing() {
        let answer = Answer::acknowledged();
        assert_eq!((answer.status, answer.body), (204, Vec::new()));
    }
}
