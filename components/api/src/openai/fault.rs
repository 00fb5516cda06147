//! Errors in OpenAI's form, which its clients turn into exceptions.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::quota::QuotaState;
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{FailureCause, Task};
use concept_refinement_domain::validation::FieldErrors;
use serde::Serialize;

use crate::problem::{Problem, with_quota};
use crate::response::Response;

/// Tells a client that repeats requests by itself whether to do so.
const SHOULD_RETRY: &str = "x-should-retry";

/// When to repeat what nobody knows a time for, in seconds.
const RETRY_AFTER: &str = "1";

/// Why a request is not answered with an image.
#[derive(Debug)]
pub enum Fault {
    /// As on every other door.
    Problem {
        problem: Problem,
        /// The name of the field whose image has it. None: it is no image's.
        param: Option<&'static str>,
    },
    /// A field has a value that cannot be used.
    Field {
        /// The field's name.
        param: &'static str,
        /// A sentence for the user.
        message: String,
        /// Whether others could use the value.
        is_unsupported: bool,
    },
    /// The user has a task that has not ended, and may have no other one.
    Active(Option<QuotaState>),
    /// The task has failed.
    Failed(Box<Task>),
}

/// The error of an answer or an event.
#[derive(Serialize)]
pub struct ErrorBody<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

impl Fault {
    /// A field whose value nobody could use.
    pub fn field(param: &'static str, message: impl Into<String>) -> Self {
        Self::Field {
            param,
            message: message.into(),
            is_unsupported: false,
        }
    }

    /// A field whose value would change what is made, and cannot be honoured here.
    pub fn unsupported(param: &'static str, message: impl Into<String>) -> Self {
        Self::Field {
            param,
            message: message.into(),
            is_unsupported: true,
        }
    }

    /// The problems of a request by the rules of every door. `image`: what the field with
    /// the original is called.
    pub fn of_fields(errors: &FieldErrors, image: &'static str) -> Self {
        let param = |field: &str| match field {
            "original_image_url" => image,
            "refinement_prompt" => "prompt",
            "mask_url" => "mask",
            _ => "",
        };
        let told = errors.joined(|field, problem| format!("{} {problem}", param(field)));
        let first = errors.0.keys().next().map(|field| param(field));
        Self::field(first.unwrap_or_default(), format!("{told}."))
    }

    pub fn into_response<C>(self) -> Response<C> {
        let status = self.status();
        let response = Response::json(status, &self.body());
        let response = response.unwrap_or_else(|_| Response::empty(500));
        let mut response = match &self {
            Self::Problem { problem, .. } => problem.with_fields(response),
            Self::Active(quota) => with_quota(response, *quota),
            Self::Field { .. } | Self::Failed(_) => response,
        };
        if status == 503 && !response.has("retry-after") {
            response = response.with("retry-after", RETRY_AFTER);
        }
        match self.is_final() {
            true => response.with(SHOULD_RETRY, "false"),
            false => response,
        }
    }

    /// The error alone, as an event of a stream has it.
    pub fn body(&self) -> ErrorBody<'_> {
        let status = self.status();
        let (param, code) = match self {
            Self::Problem { param, .. } => match status {
                401 => (None, Some("invalid_api_key")),
                429 => (None, Some("insufficient_quota")),
                ..500 => (*param, None),
                _ => (None, None),
            },
            Self::Field {
                param,
                is_unsupported,
                ..
            } => (
                Some(*param).filter(|param| !param.is_empty()),
                is_unsupported.then_some("unsupported_value"),
            ),
            Self::Active(_) => (None, Some("task_active")),
            Self::Failed(_) => (None, Some("task_failed")),
        };
        ErrorBody {
            error: Error {
                message: self.message(),
                r#type: match status {
                    429 => "insufficient_quota",
                    ..500 => "invalid_request_error",
                    _ => "server_error",
                },
                param,
                code,
            },
        }
    }

    fn status(&self) -> u16 {
        match self {
            // What is wrong with a request is 400 there.
            Self::Problem { problem, .. } => match problem.status() {
                422 => 400,
                status => status,
            },
            Self::Field { .. } => 400,
            Self::Active(_) => 409,
            Self::Failed(task) => match task.failure_cause {
                Some(FailureCause::Refused) => 400,
                Some(FailureCause::PerhapsPaid | FailureCause::Other) | None => 500,
            },
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::Problem { problem, .. } => problem.detail(),
            Self::Field { message, .. } => message,
            Self::Active(_) => sentence::TASK_ACTIVE,
            Self::Failed(task) => task.error_message.as_deref().unwrap_or("The task failed."),
        }
    }

    /// Whether a repeat of the request cannot help, or may cost again.
    fn is_final(&self) -> bool {
        match self {
            Self::Problem { problem, .. } => match problem {
                Problem::TooOften { .. } | Problem::UploadsUnderWay(_) => false,
                problem => problem.status() < 500,
            },
            Self::Field { .. } | Self::Active(_) => true,
            Self::Failed(task) => matches!(
                task.failure_cause,
                Some(FailureCause::Refused | FailureCause::PerhapsPaid)
            ),
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem {
            problem,
            param: None,
        }
    }
}

impl From<CapabilityError> for Fault {
    fn from(error: CapabilityError) -> Self {
        Problem::from(error).into()
    }
}
