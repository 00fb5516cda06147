//! The runtime configuration, of which this host knows one setting: which
//! networks no component may reach, whatever its manifest allows.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::Context as _;
use concept_refinement_domain::address::is_public;
use ipnet::IpNet;
use serde::Deserialize;

#[derive(Clone, Debug, Default)]
pub struct BlockedNetworks {
    private: bool,
    networks: Vec<IpNet>,
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
        let mut blocked = Self::default();
        for network in config.outbound_networking.block_networks {
            match network.as_str() {
                "private" => blocked.private = true,
                network => {
                    let network = network
                        .parse()
                        .or_else(|_| network.parse::<IpAddr>().map(IpNet::from))
                        .with_context(|| format!("{network:?} is no network"))?;
                    blocked.networks.push(network);
                }
            }
        }
        Ok(blocked)
    }

    pub fn blocks(&self, address: SocketAddr) -> bool {
        let ip = address.ip();
        let within = |ip: &IpAddr| self.networks.iter().any(|network| network.contains(ip));
        let embedded = match ip {
            IpAddr::V6(ip) => ip.to_ipv4().map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        (self.private && !is_public(ip)) || within(&ip) || embedded.is_some_and(|ip| within(&ip))
    }
}
