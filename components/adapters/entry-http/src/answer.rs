//! Maps outcomes to HTTP answers.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

use serde_json::json;

/// Well above the size of our messages, whose parts are limited by validation; in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The outcome of a request.
#[derive(Debug)]
pub enum Outcome {
    /// Done, skipped or rejected: the message is acknowledged.
    Acknowledged,
    /// The message must be delivered again; with a sentence for the caller.
    RetryLater(String),
    /// An unknown path.
    NotFound,
    MethodNotAllowed,
    TooLarge,
    /// The body ended before it was complete.
    Interrupted,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// Empty if there are no details.
    pub body: Vec<u8>,
}

/// Checks a request before its body is read. None: it is acceptable.
pub fn refuse(is_post: bool, path_with_query: &str, length: Option<u64>) -> Option<Outcome> {
    let path = path_with_query.split('?').next();
    if path != Some("/process") {
        return Some(Outcome::NotFound);
    }
    if !is_post {
        return Some(Outcome::MethodNotAllowed);
    }
    let is_too_large = length.is_some_and(|length| length > MAX_MESSAGE as u64);
    is_too_large.then_some(Outcome::TooLarge)
}

/// The response, in the same form as the service's other responses.
pub fn answer(outcome: Outcome) -> Answer {
    let (status, error_code, detail) = match outcome {
        Outcome::Acknowledged => {
            return Answer {
                status: 204,
                headers: Vec::new(),
                body: Vec::new(),
            };
        }
        Outcome::RetryLater(reason) => (503, "SERVICE_UNAVAILABLE", reason),
        Outcome::NotFound => (404, "NOT_FOUND", "There is nothing here.".to_owned()),
        Outcome::MethodNotAllowed => (
            405,
            "METHOD_NOT_ALLOWED",
            "This path does not answer to that method.".to_owned(),
        ),
        Outcome::TooLarge => (
            413,
            "PAYLOAD_TOO_LARGE",
            format!("A message has at most {} KiB.", MAX_MESSAGE / 1024),
        ),
        Outcome::Interrupted => (
            422,
            "VALIDATION_ERROR",
            "The body ended before it was complete.".to_owned(),
        ),
    };
    let body = json!({
        "detail": detail,
        "status_code": status,
        "error_code": error_code,
        "field_errors": null,
    });
    let body = body.to_string().into_bytes();
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("content-length", body.len().to_string()),
    ];
    if status == 405 {
        headers.push(("allow", "POST".to_owned()));
    }
    Answer {
        status,
        headers,
        body,
    }
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
            let status = refuse(is_post, path, length).map(|outcome| answer(outcome).status);
            assert_eq!(status, expected, "{is_post} {path} {length:?}");
        }
    }

    #[test]
    fn an_answer_has_the_shape_of_every_answer() {
        let retry = || Outcome::RetryLater("The \"store\" is\nout of reach.".to_owned());
        for (outcome, status, error_code) in [
            (retry(), 503, "SERVICE_UNAVAILABLE"),
            (Outcome::NotFound, 404, "NOT_FOUND"),
            (Outcome::MethodNotAllowed, 405, "METHOD_NOT_ALLOWED"),
            (Outcome::TooLarge, 413, "PAYLOAD_TOO_LARGE"),
            (Outcome::Interrupted, 422, "VALIDATION_ERROR"),
        ] {
            let answer = answer(outcome);
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
        let retried: Value = serde_json::from_slice(&answer(retry()).body).unwrap();
        assert_eq!(retried["detail"], "The \"store\" is\nout of reach.");
    }

    #[test]
    fn what_is_acknowledged_says_nothing() {
        let answer = answer(Outcome::Acknowledged);
        assert_eq!((answer.status, answer.body), (204, Vec::new()));
    }
}
