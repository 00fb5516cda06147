//! Lists of networks in settings, such as those of trusted proxies.

use std::net::IpAddr;

use concept_refinement_domain::sentence::without_credentials;
use ipnet::IpNet;

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Parses a comma-separated list of addresses and CIDR.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let network: Option<IpNet> = entry.parse().ok();
                let address = || entry.parse::<IpAddr>().ok().map(IpNet::from);
                network.or_else(address).ok_or_else(|| {
                    let entry = without_credentials(entry);
                    format!("{entry:?} is not an address or a network (CIDR)")
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address is in one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}
