//! Why there is no whole response.

use wasip3::http::types::ErrorCode;

/// Failures for the caller, without text from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The platform does not allow this connection.
    Forbidden,
    Unresolvable,
    Unreachable,
    TimedOut,
    /// TLS failed.
    Tls,
    Broken,
}

impl From<ErrorCode> for Failure {
    fn from(error: ErrorCode) -> Self {
        match error {
            ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => Self::Forbidden,
            ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
                Self::Unresolvable
            }
            ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::ConnectionRefused
            | ErrorCode::ConnectionLimitReached => Self::Unreachable,
            ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => Self::TimedOut,
            ErrorCode::TlsProtocolError
            | ErrorCode::TlsCertificateError
            | ErrorCode::TlsAlertReceived(_) => Self::Tls,
            _ => Self::Broken,
        }
    }
}
