//! Errors of requests to a component.

/// Why the component did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no instance took the request")]
    Overloaded,
    #[error("the request made no progress")]
    TimedOut,
    #[error("the instance ended")]
    Ended,
    #[error("the response is not valid HTTP")]
    Invalid,
}
