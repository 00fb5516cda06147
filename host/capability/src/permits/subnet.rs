//! The address range that counts as one client.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or an IPv6 /64, which is what a provider assigns to one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subnet(IpAddr);

impl Subnet {
    /// The subnet of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                Ipv6Addr::from_bits(network).into()
            }
            address => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_a_network() {
        for (one, other, are_the_same) in [
            ("203.0.113.1", "203.0.113.2", false),
            ("203.0.113.1", "::ffff:203.0.113.1", true),
            ("2001:db8::1", "2001:db8::ffff:1:2:3", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            let subnet = |text: &str| Subnet::of(text.parse().unwrap());
            assert_eq!(
                subnet(one) == subnet(other),
                are_the_same,
                "{one} and {other}"
            );
        }
    }
}
