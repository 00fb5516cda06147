//! The runtime configuration, of which this host knows one setting: which
//! networks no component may reach, whatever its manifest allows.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use concept_refinement_domain::address::is_public;
use serde::Deserialize;

#[derive(Clone, Debug, Default)]
pub struct BlockedNetworks {
    private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuntimeConfig {
    #[serde(default)]
    outbound_networking: OutboundNetworking,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundNetworking {
    #[serde(default)]
    block_networks: Vec<String>,
}

impl BlockedNetworks {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: RuntimeConfig = toml::from_str(text)?;
        let networks = config.outbound_networking.block_networks;
        let are_known = networks.iter().all(|network| network == "private");
        ensure!(are_known, "not all of {networks:?} are for this host");
        Ok(Self {
            private: !networks.is_empty(),
        })
    }

    pub fn blocks(&self, address: SocketAddr) -> bool {
        self.private && !is_public(address.ip())
    }
}
