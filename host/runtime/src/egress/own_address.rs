//! Recognises this machine's own addresses. A request to one would reach local services
//! from inside, past any firewall.
//!
//! Asks the kernel each time, since addresses change, a list may be long, and a list
//! would lack networks that are routed to the machine as a whole. Sends nothing, so the
//! result says nothing about open ports.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use concept_refinement_domain::address::destination;

/// Unused addresses: for IPv4 the dummy address (RFC 7600), for IPv6 one from the discard
/// prefix (RFC 6666).
const NOBODY_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);
const NOBODY_V6: Ipv6Addr = Ipv6Addr::new(0x100, 0, 0, 0, 0x6eb0, 0xd9, 0x5eed, 1);

/// Arbitrary, since nothing is sent.
const PORT: u16 = 9;

/// Whether a connection to the address would end at this machine; also true if that is
/// unknown, for lack of sockets. In IPv6 networks that are routed to the machine as a
/// whole (`ip -6 route add local`), only the addresses of interfaces are recognised.
pub fn is_own(address: IpAddr) -> bool {
    [address, destination(address)].into_iter().any(|address| {
        let by_binding = || io::Result::Ok(can_bind(address)? && !can_bind(nobody(address))?);
        is_local_source(address) || by_binding().unwrap_or(true)
    })
}

/// Only the machine's own addresses can be bound to, unless the administrator allows any
/// (`net.ipv4.ip_nonlocal_bind`).
fn can_bind(address: IpAddr) -> io::Result<bool> {
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the kernel would use the address itself as the source of a connection to it.
/// That is not so for further addresses of a network, which it reaches from the first
/// one.
fn is_local_source(address: IpAddr) -> bool {
    let unspecified: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((unspecified, 0)).and_then(|socket| {
        socket.connect((address, PORT))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
}

fn nobody(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => NOBODY_V4.into(),
        IpAddr::V6(_) => NOBODY_V6.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_recognises_itself_in_each_form() {
        for (address, own) in [
            ("127.0.0.1", true),
            ("127.1.2.3", true),
            ("::ffff:127.0.0.1", true),
            ("64:ff9b::7f00:1", true),
            ("8.8.8.8", false),
            ("::ffff:8.8.8.8", false),
            ("2606:4700:4700::1111", false),
        ] {
            assert_eq!(is_own(address.parse().unwrap()), own, "{address}");
        }
    }
}
