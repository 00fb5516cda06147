//! What all outbound requests share.

use std::net::IpAddr;
use std::sync::Arc;

use super::own_address;
use super::resolver::Resolver;
use crate::metrics::Metrics;
use crate::tls::{self, Trust};

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
    /// Reads the files of those whom the system trusts.
    pub fn new(resolver: Arc<dyn Resolver>, trust: &Trust) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: Arc::new(tls::client(trust)?),
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
