//! State shared by all outbound requests of the process.

use std::net::IpAddr;
use std::sync::Arc;

use concept_refinement_capability::tls::{self, Trust};

use super::own_address;
use super::resolver::Resolver;
use crate::metrics::egress::Refusals;

/// The resolver and the TLS configuration, shared by all components.
#[derive(Clone)]
pub struct Network {
    /// Trusted certificates and other TLS settings.
    pub tls: Arc<rustls::ClientConfig>,
    /// Resolves names.
    pub resolver: Arc<dyn Resolver>,
    /// Whether an address is one of this machine's.
    pub is_own: fn(IpAddr) -> bool,
    /// Counts refused requests. None: there are no metrics.
    pub refusals: Option<Arc<Refusals>>,
}

impl Network {
    /// Reads the system's files of trusted certificates.
    pub fn new(resolver: Arc<dyn Resolver>, trust: &Trust) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: Arc::new(tls::client(trust)?),
            resolver,
            is_own: own_address::is_own,
            refusals: None,
        })
    }
}
