//! Maps the platform's errors of outbound requests.

use wasip3::http::types::ErrorCode;

use crate::Failure;

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
            ErrorCode::ConnectionTimeout => Self::ConnectTimedOut,
            ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => Self::TimedOut,
            ErrorCode::TlsProtocolError
            | ErrorCode::TlsCertificateError
            | ErrorCode::TlsAlertReceived(_) => Self::Tls,
            _ => Self::Broken,
        }
    }
}
