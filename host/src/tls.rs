//! TLS as a client: who is trusted, the caller says.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// The certificate authorities of the system. Reads files.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// A client that trusts these authorities, and proves nothing of itself.
///
/// # Errors
///
/// The library has no version of TLS that is safe.
pub fn client(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Why a server's certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    Expired,
    NotYetValid,
    OtherName,
    UnknownIssuer,
    Other,
}

impl Distrust {
    /// None: it is not the certificate.
    pub fn of(error: &rustls::Error) -> Option<Self> {
        let rustls::Error::InvalidCertificate(error) = error else {
            return None;
        };
        Some(match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            _ => Self::Other,
        })
    }

    /// For operators, as the end of a sentence. `roots` names a file of others who
    /// are trusted.
    pub fn sentence(self, roots: &str) -> String {
        let reason = match self {
            Self::Expired => "it has expired",
            Self::NotYetValid => "it is not valid yet",
            Self::OtherName => "it is for another host name",
            Self::UnknownIssuer => {
                return format!(
                    "its certificate does not fit: nobody who is trusted has signed it \
                     ({roots} names a file of others to trust)"
                );
            }
            Self::Other => "it cannot be verified",
        };
        format!("its certificate does not fit: {reason}")
    }
}

/// Why TLS could not be agreed on with a server, for operators, as the end of a
/// sentence. None: something else is wrong. `roots` as for [`Distrust::sentence`].
pub fn refusal(error: &(dyn Error + 'static), roots: &str) -> Option<String> {
    let error = error_of(error)?;
    Some(match Distrust::of(error) {
        Some(distrust) => distrust.sentence(roots),
        None => format!("TLS cannot be agreed on: {error}"),
    })
}

/// The error of TLS that caused another, which may be wrapped in one of the system.
pub fn error_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    error
        .downcast_ref()
        .or_else(|| inner.and_then(|inner| error_of(inner)))
        .or_else(|| error.source().and_then(error_of))
}
