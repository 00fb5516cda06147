//! Which addresses are public.
//!
//! Based on the IANA IPv4 and IPv6 Special-Purpose Address Registries
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry/> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry/>) as of October 2025,
//! plus multicast and unallocated space. An address is public only if the most specific
//! entry that contains it is "globally reachable"; "N/A" and blank do not count as that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Whether the address is globally reachable. An IPv6 address that contains an IPv4
/// address which it leads to is judged by that address.
pub fn is_public(address: IpAddr) -> bool {
    match destination(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether a host is this domain or below it. Both are in lower case.
pub fn is_at_domain(host: &str, domain: &str) -> bool {
    match host.strip_suffix(domain) {
        Some("") => true,
        Some(name) => name.len() > 1 && name.ends_with('.') && !name.starts_with('.'),
        None => false,
    }
}

/// The real destination of a connection to the address: the IPv4 address in a mapped or
/// NAT64 address, else the address itself.
pub fn destination(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(outer) => embedded_v4(outer).map_or(address, IpAddr::V4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    V4.iter()
        .filter(|(block, _)| block.contains(&address))
        .max_by_key(|(block, _)| block.prefix_len())
        .is_none_or(|(_, reachable)| *reachable)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    V6.iter()
        .filter(|(block, _)| block.contains(&address))
        .max_by_key(|(block, _)| block.prefix_len())
        .is_some_and(|(_, reachable)| *reachable)
}

/// The IPv4 address in a mapped or NAT64 address. 6to4 and Teredo are in the
/// table instead: their relays are gone, so nothing there is reachable.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    address.to_ipv4_mapped().or_else(|| {
        let [.., a, b, c, d] = address.octets();
        NAT64
            .contains(&address)
            .then_some(Ipv4Addr::new(a, b, c, d))
    })
}

const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// Blocks, and whether they are globally reachable. All other addresses are.
const V4: [(Ipv4Net, bool); 26] = [
    (v4([0, 0, 0, 0], 8), false),          // "this network"
    (v4([10, 0, 0, 0], 8), false),         // private use
    (v4([100, 64, 0, 0], 10), false),      // shared address space
    (v4([127, 0, 0, 0], 8), false),        // loopback
    (v4([169, 254, 0, 0], 16), false),     // link local, clouds' metadata
    (v4([172, 16, 0, 0], 12), false),      // private use
    (v4([192, 0, 0, 0], 24), false),       // IETF protocol assignments
    (v4([192, 0, 0, 0], 29), false),       // IPv4 service continuity
    (v4([192, 0, 0, 8], 32), false),       // IPv4 dummy address
    (v4([192, 0, 0, 9], 32), true),        // port control protocol anycast
    (v4([192, 0, 0, 10], 32), true),       // TURN anycast
    (v4([192, 0, 0, 170], 31), false),     // NAT64/DNS64 discovery
    (v4([192, 0, 2, 0], 24), false),       // documentation (TEST-NET-1)
    (v4([192, 31, 196, 0], 24), true),     // AS112-v4
    (v4([192, 52, 193, 0], 24), true),     // AMT
    (v4([192, 88, 99, 0], 24), false),     // deprecated 6to4 relay anycast
    (v4([192, 88, 99, 2], 32), false),     // 6a44 relay anycast
    (v4([192, 168, 0, 0], 16), false),     // private use
    (v4([192, 175, 48, 0], 24), true),     // direct delegation AS112
    (v4([198, 18, 0, 0], 15), false),      // benchmarking
    (v4([198, 51, 100, 0], 24), false),    // documentation (TEST-NET-2)
    (v4([203, 0, 113, 0], 24), false),     // documentation (TEST-NET-3)
    (v4([224, 0, 0, 0], 4), false),        // multicast (RFC 5771)
    (v4([233, 252, 0, 0], 24), false),     // documentation (MCAST-TEST-NET)
    (v4([240, 0, 0, 0], 4), false),        // reserved
    (v4([255, 255, 255, 255], 32), false), // limited broadcast
];

/// Blocks, and whether they are globally reachable. All other addresses are not: only
/// `2000::/3` has been allocated.
const V6: [(Ipv6Net, bool); 25] = [
    (v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), true), // global unicast
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), false),    // unspecified, loopback, IPv4-compatible
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), false), // IPv4-mapped, see `embedded_v4`
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), false), // local-use NAT64
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), false), // discard only
    (v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64), false), // dummy prefix
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), false), // IETF protocol assignments
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), false), // Teredo
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128), true), // port control protocol anycast
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128), true), // TURN anycast
    (v6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128), true), // DNS-SD registration anycast
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), false), // benchmarking
    (v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32), true), // AMT
    (v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48), true), // AS112-v6
    (v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), false), // deprecated ORCHID
    (v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), true), // ORCHIDv2
    (v6([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28), true), // drone remote ID
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), false), // documentation
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), false), // 6to4
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), true), // direct delegation AS112
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), false), // documentation
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), false), // segment routing SIDs
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), false), // unique local
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), false), // link local
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), false), // multicast
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_host_is_at_a_domain_or_not() {
        for (host, expected) in [
            ("bfl.ai", true),
            ("api.bfl.ai", true),
            ("a.b.bfl.ai", true),
            ("evilbfl.ai", false),
            (".bfl.ai", false),
            ("..bfl.ai", false),
            ("bfl.ai.evil.example", false),
            ("ai", false),
            ("", false),
        ] {
            assert_eq!(is_at_domain(host, "bfl.ai"), expected, "{host}");
        }
    }

    #[test]
    fn tells_public_from_other_addresses() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("93.184.215.14", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("10.255.255.255", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.0.0.1", false),
            ("127.255.255.255", false),
            ("169.254.169.254", false),
            ("172.15.255.255", true),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.0.1", false),
            ("192.0.0.8", false),
            ("192.0.0.9", true),
            ("192.0.0.10", true),
            ("192.0.0.11", false),
            ("192.0.0.170", false),
            ("192.0.1.0", true),
            ("192.0.2.1", false),
            ("192.31.196.1", true),
            ("192.88.99.1", false),
            ("192.88.99.2", false),
            ("192.168.1.1", false),
            ("192.169.0.0", true),
            ("192.175.48.1", true),
            ("198.17.255.255", true),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("2001:4860:4860::8888", true),
            ("2620:4f:8000::1", true),
            ("::", false),
            ("::1", false),
            ("::8.8.8.8", false),
            ("::ffff:8.8.8.8", true),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:0:8.8.8.8", false),
            ("64:ff9b::8.8.8.8", true),
            ("64:ff9b::127.0.0.1", false),
            ("64:ff9b::169.254.169.254", false),
            ("64:ff9b:1::8.8.8.8", false),
            ("64:ff9b:2::8.8.8.8", false),
            ("100::1", false),
            ("100:0:0:1::1", false),
            ("200::1", false),
            ("1fff::1", false),
            ("2000::1", true),
            ("2001::1", false),
            ("2001:1::1", true),
            ("2001:1::2", true),
            ("2001:1::3", true),
            ("2001:1::4", false),
            ("2001:2::1", false),
            ("2001:3::1", true),
            ("2001:4:112::1", true),
            ("2001:4:113::1", false),
            ("2001:10::1", false),
            ("2001:20::1", true),
            ("2001:30::1", true),
            ("2001:1ff:ffff::1", false),
            ("2001:200::1", true),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("2002:808:808::1", false),
            ("3ffe:ffff::1", true),
            ("3fff::1", false),
            ("3fff:fff:ffff::1", false),
            ("3fff:1000::1", true),
            ("4000::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("ff0e::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn an_embedded_address_is_where_a_connection_ends() {
        for (address, end) in [
            ("8.8.8.8", "8.8.8.8"),
            ("::ffff:8.8.8.8", "8.8.8.8"),
            ("64:ff9b::808:808", "8.8.8.8"),
            ("64:ff9b:1::808:808", "64:ff9b:1::808:808"),
            ("2002:808:808::1", "2002:808:808::1"),
            ("2600::1", "2600::1"),
        ] {
            let end: IpAddr = end.parse().unwrap();
            assert_eq!(destination(address.parse().unwrap()), end, "{address}");
        }
    }

    /// The two registries again, line by line as IANA lists them, to catch mistakes in
    /// the tables. "N/A" is written as false.
    const REGISTRIES: &str = "
        0.0.0.0/8 false
        0.0.0.0/32 false
        10.0.0.0/8 false
        100.64.0.0/10 false
        127.0.0.0/8 false
        169.254.0.0/16 false
        172.16.0.0/12 false
        192.0.0.0/24 false
        192.0.0.0/29 false
        192.0.0.8/32 false
        192.0.0.9/32 true
        192.0.0.10/32 true
        192.0.0.170/32 false
        192.0.0.171/32 false
        192.0.2.0/24 false
        192.31.196.0/24 true
        192.52.193.0/24 true
        192.88.99.0/24 false
        192.88.99.2/32 false
        192.168.0.0/16 false
        192.175.48.0/24 true
        198.18.0.0/15 false
        198.51.100.0/24 false
        203.0.113.0/24 false
        240.0.0.0/4 false
        255.255.255.255/32 false
        ::1/128 false
        ::/128 false
        64:ff9b:1::/48 false
        100::/64 false
        100:0:0:1::/64 false
        2001::/23 false
        2001::/32 false
        2001:1::1/128 true
        2001:1::2/128 true
        2001:1::3/128 true
        2001:2::/48 false
        2001:3::/32 true
        2001:4:112::/48 true
        2001:10::/28 false
        2001:20::/28 true
        2001:30::/28 true
        2001:db8::/32 false
        2002::/16 false
        2620:4f:8000::/48 true
        3fff::/20 false
        5f00::/16 false
        fc00::/7 false
        fe80::/10 false
    ";

    /// Blocks that the address space registries list as multicast or
    /// unallocated.
    const NOT_UNICAST: [&str; 6] = [
        "224.0.0.0/4",
        "::/3",
        "4000::/2",
        "8000::/2",
        "c000::/3",
        "e000::/3",
    ];

    /// Judges by the longest matching prefix.
    fn by_the_registries(address: IpAddr) -> bool {
        let listed = REGISTRIES
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(block, reachable)| (block, reachable == "true"));
        let others = NOT_UNICAST.iter().map(|block| (*block, false));
        listed
            .chain(others)
            .map(|(block, reachable)| (block.parse::<ipnet::IpNet>().unwrap(), reachable))
            .filter(|(block, _)| block.contains(&address))
            .max_by_key(|(block, _)| block.prefix_len())
            .is_none_or(|(_, reachable)| reachable)
    }

    #[test]
    fn each_entry_of_the_registries_is_judged_to_its_edges() {
        let mut entries = 0;
        for line in REGISTRIES.lines().filter(|line| !line.trim().is_empty()) {
            let (block, _) = line.trim().split_once(' ').unwrap();
            let addresses = match block.parse::<ipnet::IpNet>().unwrap() {
                ipnet::IpNet::V4(block) => {
                    let (first, last) = (block.network().to_bits(), block.broadcast().to_bits());
                    [first.saturating_sub(1), first, last, last.saturating_add(1)]
                        .map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)))
                }
                ipnet::IpNet::V6(block) => {
                    let (first, last) = (block.network().to_bits(), block.broadcast().to_bits());
                    [first.saturating_sub(1), first, last, last.saturating_add(1)]
                        .map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)))
                }
            };
            for address in addresses {
                let expected = by_the_registries(address);
                assert_eq!(
                    is_public(address),
                    expected,
                    "{address} at an edge of {block}"
                );
            }
            entries += 1;
        }
        assert_eq!(entries, 49);
    }

    #[test]
    fn the_tables_hold_each_block_once() {
        for (index, (block, _)) in V4.iter().enumerate() {
            assert_eq!(*block, block.trunc(), "{block}");
            assert!(
                !V4[..index].iter().any(|(other, _)| other == block),
                "{block}"
            );
        }
        for (index, (block, _)) in V6.iter().enumerate() {
            assert_eq!(*block, block.trunc(), "{block}");
            assert!(
                !V6[..index].iter().any(|(other, _)| other == block),
                "{block}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_embedded_address_is_judged(bits in any::<u32>()) {
            let inner = Ipv4Addr::from_bits(bits);
            let nat64 = Ipv6Addr::from_bits(NAT64.addr().to_bits() | u128::from(bits));
            let public = is_public(inner.into());
            prop_assert_eq!(is_public(inner.to_ipv6_mapped().into()), public);
            prop_assert_eq!(is_public(nat64.into()), public);
        }

        #[test]
        fn the_tables_say_what_the_registries_say(
            v4 in any::<u32>(),
            v6 in any::<u128>(),
            block in any::<prop::sample::Index>(),
        ) {
            let v4 = Ipv4Addr::from_bits(v4);
            prop_assert_eq!(is_public(v4.into()), by_the_registries(v4.into()), "{}", v4);
            // Most random addresses are in no block, so this draws from the
            // blocks.
            let (block, _) = V6[block.index(V6.len())];
            let within = block.network().to_bits() | (v6 & block.hostmask().to_bits());
            for address in [v6, within].map(Ipv6Addr::from_bits) {
                if embedded_v4(address).is_none() {
                    let expected = by_the_registries(address.into());
                    prop_assert_eq!(is_public(address.into()), expected, "{}", address);
                }
            }
        }

        #[test]
        fn what_6to4_and_teredo_carry_is_never_public(bits in any::<u32>(), rest in any::<u64>()) {
            let [high, low] = [bits >> 16, bits & 0xffff].map(u128::from);
            let six_to_four = (0x2002 << 112) | (high << 96) | (low << 80) | u128::from(rest);
            let teredo = (0x2001_0000 << 96) | (u128::from(rest) << 32) | u128::from(!bits);
            for address in [six_to_four, teredo].map(Ipv6Addr::from_bits) {
                prop_assert!(!is_public(address.into()), "{}", address);
            }
        }

        #[test]
        fn nothing_outside_global_unicast_is_public(bits in any::<u128>()) {
            let address = Ipv6Addr::from_bits(bits);
            let unicast = address.segments()[0] >> 13 == 1;
            prop_assert!(unicast || embedded_v4(address).is_some() || !is_public(address.into()));
        }

        #[test]
        fn the_standard_library_finds_nothing_more(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!special || !is_public(address.into()));
        }
    }
}
