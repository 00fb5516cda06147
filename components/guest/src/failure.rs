//! Why there is no whole response.

/// Failures for the caller, without text from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The platform does not allow this connection.
    Forbidden,
    Unresolvable,
    Unreachable,
    /// No connection was made in time.
    ConnectTimedOut,
    TimedOut,
    /// TLS failed.
    Tls,
    Broken,
}
