//! Errors of requests to a component.

/// Why the component did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There are more requests than instances can take.
    #[error("no instance took the request")]
    Overloaded,
    /// It took too long without progress.
    #[error("the request made no progress")]
    TimedOut,
    /// The instance crashed, or the host has been stopped.
    #[error("the instance ended")]
    Ended,
    /// The component answered with something that HTTP has no place for.
    #[error("the response is not valid HTTP")]
    Invalid,
}
