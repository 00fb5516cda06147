//! What all outbound requests share.

use std::net::IpAddr;
use std::sync::Arc;

use super::own_address;
use super::resolver::Resolver;
use crate::metrics::Metrics;
use crate::tls;

/// The resolver and the TLS configuration, shared by all components.
#[derive(Clone)]
pub struct Network {
    pub tls: Arc<rustls::ClientConfig>,
    pub resolver: Arc<dyn Resolver>,
    /// Whether an address is this machine's.
    pub is_own: fn(IpAddr) -> bool,
    pub metrics: Option<Arc<Metrics>>,
}

impl Network {
    pub fn new(resolver: Arc<dyn Resolver>) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: tls()?,
            resolver,
            is_own: own_address::is_own,
            metrics: None,
        })
    }

    /// Counts what is refused.
    pub fn measured(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
    }
}

/// TLS with the public certificate authorities.
fn tls() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    Ok(Arc::new(tls::client(roots)?))
}
