//! Responses, including errors, in the form of the API for users.

use bytes::Bytes;
use concept_refinement_domain::capability::{CapabilityError, ErrorKind};
use concept_refinement_runtime::ingress::http::{PROTECTION, error_code};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Value, json};

pub(super) type Answer = Response<Full<Bytes>>;

/// Why a request fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Unauthorized,
    Forbidden,
    NotFound,
    /// The methods that the path has.
    Method(&'static str),
    Misdirected,
    /// The state of the task does not allow the action, for this reason.
    Conflict(String),
    /// The number of matching tasks is not the expected one, but this.
    Unexpected(String, u64),
    TooLarge,
    NotJson,
    /// A field of the request, and what is wrong with it.
    Invalid(&'static str, String),
    /// The body is not valid, for this reason.
    Malformed(String),
    /// The body did not arrive in time.
    Slow,
    Unavailable(String),
    Internal,
}

impl From<CapabilityError> for Problem {
    fn from(error: CapabilityError) -> Self {
        match error.kind {
            ErrorKind::Unavailable | ErrorKind::Full => Self::Unavailable(error.message),
            ErrorKind::Invalid => {
                tracing::error!(%error, "what an operator asked cannot be done");
                Self::Internal
            }
        }
    }
}

impl Problem {
    /// A field of the request, and what is wrong with it.
    pub(super) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid(field, problem.into())
    }

    pub(super) fn other_cursor() -> Self {
        Self::invalid("cursor", "It is not one of these answers.")
    }

    pub(super) fn conflict(reason: &str) -> Self {
        Self::Conflict(reason.to_owned())
    }

    /// The status, and the sentence for the operator.
    fn says(&self) -> (u16, &str) {
        match self {
            Self::Unauthorized => (
                401,
                "This needs an operator's token, as `Authorization: Bearer …`.",
            ),
            Self::Forbidden => (403, "This token is read-only."),
            Self::NotFound => (404, "There is no such thing."),
            Self::Method(_) => (405, "This path does not answer to that method."),
            Self::Slow => (408, "The body did not arrive in time."),
            Self::Conflict(detail) | Self::Unexpected(detail, _) => (409, detail),
            Self::TooLarge => (413, "A request has at most 64 KiB."),
            Self::NotJson => (415, "The body has to be declared as application/json."),
            Self::Misdirected => (421, "This listener answers to names of this machine only."),
            Self::Invalid(..) => (422, "A value cannot be used."),
            Self::Malformed(_) => (422, "The body is not the JSON object that is expected."),
            Self::Internal => (500, "Something went wrong. The log says what."),
            Self::Unavailable(detail) => (503, detail),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let (status, detail) = self.says();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let fields = match self {
            Self::Invalid(field, problem) => json!({ *field: [problem] }),
            Self::Malformed(problem) => json!({ "body": [problem] }),
            _ => Value::Null,
        };
        let mut body = json!({
            "detail": detail,
            "status_code": status.as_u16(),
            "error_code": error_code(status),
            "field_errors": fields,
        });
        if let (Self::Unexpected(_, count), Some(body)) = (self, body.as_object_mut()) {
            body.insert("count".to_owned(), json!(count));
        }
        let mut answer = json_answer(status, &body);
        let field = match self {
            Self::Unauthorized => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Self::Method(allowed) => Some((header::ALLOW, *allowed)),
            Self::Unavailable(_) => Some((header::RETRY_AFTER, "1")),
            // The rest of the body is not read.
            Self::Slow => Some((header::CONNECTION, "close")),
            _ => None,
        };
        if let Some((name, value)) = field {
            let value = HeaderValue::from_static(value);
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

pub(super) fn ok(body: &impl Serialize) -> Answer {
    json_answer(StatusCode::OK, body)
}

pub(super) fn json_answer(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(json) => with(status, "application/json", json.into()),
        Err(error) => {
            tracing::error!(%error, "an answer to an operator cannot be written");
            with(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                Bytes::new(),
            )
        }
    }
}

pub(super) fn no_content() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

pub(super) fn with(status: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// Adds the header fields that protect a browser; a page has its own policy.
pub(super) fn protected(mut answer: Answer) -> Answer {
    for (name, value) in PROTECTION {
        let field = answer.headers_mut().entry(name);
        field.or_insert(HeaderValue::from_static(value));
    }
    answer
}
