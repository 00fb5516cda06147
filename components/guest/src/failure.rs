//! Errors of outbound requests.

/// Errors for the caller, without text from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The platform does not allow this connection.
    Forbidden,
    Unresolvable,
    Unreachable,
    /// The connection was not established in time.
    ConnectTimedOut,
    TimedOut,
    /// TLS failed.
    Tls,
    Broken,
}
