//! Error responses, which all have the same form.

use std::borrow::Cow;

use concept_refinement_domain::capability::{CapabilityError, ErrorKind};
use concept_refinement_domain::quota::QuotaState;
use concept_refinement_domain::validation::{FieldErrors, Malformed};
use serde::Serialize;

use crate::request::Interrupted;
use crate::response::Response;

/// The response header that names the scarce resource of which a user has a share already, for
/// the host to count.
pub const SHORT_OF: &str = "concept-refinement-short-of";

/// An error response. Details are sentences for the caller.
#[derive(Debug)]
pub enum Problem {
    Unauthorized(&'static str),
    Forbidden(&'static str),
    NotFound(&'static str),
    MethodNotAllowed {
        allow: &'static str,
    },
    Conflict(&'static str),
    TooLarge(Cow<'static, str>),
    UnsupportedMediaType(Cow<'static, str>),
    /// The request is invalid as a whole.
    Invalid(Cow<'static, str>),
    InvalidFields(FieldErrors),
    RangeNotSatisfiable {
        size: u64,
    },
    /// The user keeps as many as allowed.
    TooManyUploads(String),
    /// As many of the user's uploads are under way as may be at a time, which will pass.
    UploadsUnderWay(String),
    TooOften {
        detail: &'static str,
        /// In seconds.
        retry_after: u32,
    },
    QuotaExceeded(Exceeded),
    BudgetExceeded(Exceeded),
    /// The user has a share of the memory for uploads, or none is left, which will pass.
    UploadMemoryShort(&'static str),
    Unavailable {
        detail: Cow<'static, str>,
        /// In seconds.
        retry_after: Option<u32>,
    },
    /// An internal error, whose details the caller does not learn.
    Internal,
}

/// A user's allowance for the current window does not suffice.
#[derive(Debug)]
pub struct Exceeded {
    pub detail: String,
    /// None: unlimited, where only a budget is used up.
    pub quota: Option<QuotaState>,
    /// In seconds.
    pub retry_after: u64,
}

/// The body of every error response.
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    /// A sentence for the user.
    detail: &'a str,
    /// The status of the response.
    status_code: u16,
    error_code: &'static str,
    /// The problems of each field; null if the error is not about fields.
    field_errors: Option<&'a FieldErrors>,
}

impl Problem {
    /// `retry_after`: in seconds.
    pub const fn unavailable(detail: &'static str, retry_after: u32) -> Self {
        Self::Unavailable {
            detail: Cow::Borrowed(detail),
            retry_after: Some(retry_after),
        }
    }

    /// A problem of one field, which completes "the field …".
    pub fn of_field(field: &str, problem: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.add(field, problem);
        Self::InvalidFields(errors)
    }

    pub fn status(&self) -> u16 {
        let (status, _) = self.kind();
        status
    }

    /// The status and the error code.
    fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::Unauthorized(_) => (401, "UNAUTHORIZED"),
            Self::Forbidden(_) => (403, "FORBIDDEN"),
            Self::NotFound(_) => (404, "NOT_FOUND"),
            Self::MethodNotAllowed { .. } => (405, "METHOD_NOT_ALLOWED"),
            Self::Conflict(_) => (409, "CONFLICT"),
            Self::TooLarge(_) => (413, "PAYLOAD_TOO_LARGE"),
            Self::UnsupportedMediaType(_) => (415, "UNSUPPORTED_MEDIA_TYPE"),
            Self::RangeNotSatisfiable { .. } => (416, "RANGE_NOT_SATISFIABLE"),
            Self::Invalid(_) | Self::InvalidFields(_) => (422, "VALIDATION_ERROR"),
            Self::TooManyUploads(_)
            | Self::UploadsUnderWay(_)
            | Self::TooOften { .. }
            | Self::QuotaExceeded(_) => (429, "RATE_LIMIT_EXCEEDED"),
            Self::BudgetExceeded(_) => (429, "BUDGET_EXCEEDED"),
            Self::Internal => (500, "INTERNAL_ERROR"),
            Self::UploadMemoryShort(_) | Self::Unavailable { .. } => (503, "SERVICE_UNAVAILABLE"),
        }
    }

    /// A sentence for the user.
    pub fn detail(&self) -> &str {
        match self {
            Self::Unauthorized(detail)
            | Self::Forbidden(detail)
            | Self::NotFound(detail)
            | Self::Conflict(detail)
            | Self::UploadMemoryShort(detail)
            | Self::TooOften { detail, .. } => detail,
            Self::TooLarge(detail)
            | Self::UnsupportedMediaType(detail)
            | Self::Invalid(detail)
            | Self::Unavailable { detail, .. } => detail,
            Self::TooManyUploads(detail)
            | Self::UploadsUnderWay(detail)
            | Self::QuotaExceeded(Exceeded { detail, .. })
            | Self::BudgetExceeded(Exceeded { detail, .. }) => detail,
            Self::MethodNotAllowed { .. } => "This path does not answer to that method.",
            Self::InvalidFields(_) => "The request is not valid.",
            Self::RangeNotSatisfiable { .. } => "The range lies outside the image.",
            Self::Internal => "Something went wrong on our side.",
        }
    }

    pub fn into_response<C>(self) -> Response<C> {
        let (status, error_code) = self.kind();
        let body = ErrorBody {
            detail: self.detail(),
            status_code: status,
            error_code,
            field_errors: match &self {
                Self::InvalidFields(errors) => Some(errors),
                _ => None,
            },
        };
        let response = Response::json(status, &body).unwrap_or_else(|_| Response::empty(500));
        self.with_fields(response)
    }

    /// Adds the headers that belong to the problem, whatever the form of its body.
    pub fn with_fields<C>(&self, response: Response<C>) -> Response<C> {
        match self {
            Self::Unauthorized(_) => response.with("www-authenticate", "Bearer"),
            Self::MethodNotAllowed { allow } => response.with("allow", *allow),
            Self::RangeNotSatisfiable { size } => {
                response.with("content-range", format!("bytes */{size}"))
            }
            Self::QuotaExceeded(exceeded) | Self::BudgetExceeded(exceeded) => {
                with_quota(response, exceeded.quota)
                    .with("retry-after", exceeded.retry_after.to_string())
            }
            Self::UploadsUnderWay(_) => response.with("retry-after", "1"),
            Self::UploadMemoryShort(_) => {
                response.with("retry-after", "1").with(SHORT_OF, "uploads")
            }
            Self::TooOften {
                retry_after: seconds,
                ..
            }
            | Self::Unavailable {
                retry_after: Some(seconds),
                ..
            } => response.with("retry-after", seconds.to_string()),
            _ => response,
        }
    }
}

/// Adds headers with the rest of the quota; none if it is unlimited.
pub fn with_quota<C>(response: Response<C>, quota: Option<QuotaState>) -> Response<C> {
    let Some(quota) = quota else { return response };
    response
        .with("x-ratelimit-limit", quota.limit.to_string())
        .with("x-ratelimit-remaining", quota.remaining.to_string())
        .with("x-ratelimit-reset", quota.reset.as_secs().to_string())
}

impl From<CapabilityError> for Problem {
    fn from(error: CapabilityError) -> Self {
        match error.kind {
            ErrorKind::Unavailable | ErrorKind::Full => Self::Unavailable {
                detail: error.message.into(),
                retry_after: None,
            },
            ErrorKind::Invalid => Self::Internal,
        }
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::Invalid(malformed.to_string().into())
    }
}

impl From<serde_json::Error> for Problem {
    fn from(_: serde_json::Error) -> Self {
        Self::Internal
    }
}

impl From<Interrupted> for Problem {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Invalid("The body ended before it was complete.".into())
    }
}
