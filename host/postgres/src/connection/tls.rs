//! TLS to the database, with rustls.

use std::sync::Arc;

use concept_refinement_capability::tls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connection::settings::{Settings, Verification};

/// # Errors
///
/// Why the certificates to trust cannot be read, as a part of a sentence.
pub(crate) fn connector(settings: &Settings) -> Result<MakeRustlsConnect, String> {
    let mut trust = settings.trust.clone();
    if let (Verification::Full, Some(file)) = (settings.verification, &settings.roots) {
        trust = trust.and(file)?;
    }
    let mut config = tls::client(&trust).map_err(|error| error.to_string())?;
    if settings.verification == Verification::None {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(AnyCertificate(provider));
        config.dangerous().set_certificate_verifier(verifier);
    }
    Ok(MakeRustlsConnect::new(config))
}

/// Accepts any certificate, as `sslmode=prefer` implies: an attacker who can present
/// another certificate could just as well claim that there is no TLS.
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
