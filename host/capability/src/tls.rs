//! TLS as a client, with the same trusted authorities for all outgoing connections.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Certificates trusted in addition to the public authorities and the system's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Vec<CertificateDer<'static>>);

impl Trust {
    /// Adds the certificates of a PEM file.
    ///
    /// # Errors
    ///
    /// Why the file cannot be used, as a part of a sentence.
    pub fn and(mut self, file: &Path) -> Result<Self, String> {
        let unreadable = |reason: &str| {
            let file = file.display();
            format!("the certificates of {file} cannot be read: {reason}")
        };
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(&error.to_string()))?;
        let usable = certificates.iter().cloned();
        if RootCertStore::empty().add_parsable_certificates(usable).0 == 0 {
            return Err(unreadable("there is none in it"));
        }
        self.0.extend(certificates);
        Ok(self)
    }

    /// All trusted certificates. Reads the system's files.
    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.into(),
        };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.0.iter().cloned());
        roots
    }
}

/// A client configuration that trusts these, and has no client certificate.
///
/// # Errors
///
/// The TLS library supports no safe version.
pub fn client(trust: &Trust) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(trust.roots())
        .with_no_client_auth())
}

/// Why a server's certificate is not trusted, for operators, as the end of a sentence. None:
/// the error is not about the certificate.
pub fn distrust(error: &rustls::Error) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(error) = error else {
        return None;
    };
    Some(match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate does not fit: it has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate does not fit: it is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate does not fit: it is for another host name"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate does not fit: nobody who is trusted has signed it \
             (ca_file names a file of others to trust)"
        }
        _ => "its certificate does not fit: it cannot be verified",
    })
}

/// Why the TLS handshake with a server failed, for operators, as the end of a sentence.
/// None: the error has another cause.
pub fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    let error = error_of(error)?;
    Some(match distrust(error) {
        Some(sentence) => sentence.to_owned(),
        None => format!("TLS cannot be agreed on: {error}"),
    })
}

/// The TLS error that caused this one, which may be wrapped in an I/O error.
pub fn error_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    error
        .downcast_ref()
        .or_else(|| inner.and_then(|inner| error_of(inner)))
        .or_else(|| error.source().and_then(error_of))
}
