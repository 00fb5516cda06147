//! TLS to the database, by rustls: with the system's roots, and those of a file.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::{Settings, Verification};
use crate::tls;

/// # Errors
///
/// Why the roots cannot be read, as a part of a sentence.
pub(super) fn connector(settings: &Settings) -> Result<MakeRustlsConnect, String> {
    let (roots, verifier) = match settings.verification {
        Verification::None => {
            let provider = Arc::new(ring::default_provider());
            (RootCertStore::empty(), Some(AnyCertificate(provider)))
        }
        Verification::Full => (roots(settings.roots.as_deref())?, None),
    };
    let mut config = tls::client(roots).map_err(|error| error.to_string())?;
    if let Some(verifier) = verifier {
        let verifier = Arc::new(verifier);
        config.dangerous().set_certificate_verifier(verifier);
    }
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = tls::system_roots();
    if let Some(file) = file {
        let unreadable = |reason: String| {
            format!(
                "the certificates of {} cannot be read: {reason}",
                file.display()
            )
        };
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(error.to_string()))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(unreadable("there is none in it".to_owned()));
        }
    }
    Ok(roots)
}

/// Takes any certificate, as `sslmode=prefer` means it: whoever could show
/// another one could as well say that there is no TLS.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
