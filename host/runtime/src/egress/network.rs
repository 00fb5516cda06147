//! What all outbound requests share.

use std::net::IpAddr;
use std::sync::Arc;

use concept_refinement_capability::tls::{self, Trust};

use super::own_address;
use super::resolver::Resolver;
use crate::metrics::egress::Refusals;

/// The resolver and the TLS configuration, shared by all components.
#[derive(Clone)]
pub struct Network {
    /// Whom to trust.
    pub tls: Arc<rustls::ClientConfig>,
    /// What resolves names.
    pub resolver: Arc<dyn Resolver>,
    /// Whether an address is this machine's.
    pub is_own: fn(IpAddr) -> bool,
    /// Counts what is refused. None: nothing is measured.
    pub refusals: Option<Arc<Refusals>>,
}

impl Network {
    /// Reads the files of those whom the system trusts.
    pub fn new(resolver: Arc<dyn Resolver>, trust: &Trust) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: Arc::new(tls::client(trust)?),
            resolver,
            is_own: own_address::is_own,
            refusals: None,
        })
    }

    /// Counts what is refused.
    pub fn measured(self, refusals: Option<Arc<Refusals>>) -> Self {
        Self { refusals, ..self }
    }
}
