//! Whether an address is this machine's: whatever listens there, behind a
//! firewall or not, would be asked from inside.
//!
//! The kernel is asked each time, since addresses come and go, and a list of
//! them would be long on some machines and lacks networks that are routed to the
//! machine as a whole. Nothing is ever sent, so an open port cannot be told from
//! a closed one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use concept_refinement_domain::address::destination;

/// Nobody's: for IPv4 the dummy address (RFC 7600), for IPv6 one that is
/// discarded (RFC 6666).
const NOBODY_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);
const NOBODY_V6: Ipv6Addr = Ipv6Addr::new(0x100, 0, 0, 0, 0x6eb0, 0xd9, 0x5eed, 1);

/// Any: nothing is sent there.
const PORT: u16 = 9;

/// Whether a connection to the address ends at this machine, or it cannot be told
/// (there are no more sockets). Of IPv6 networks that are routed to it as a whole
/// (`ip -6 route add local`), only the addresses that interfaces have are
/// recognised.
pub fn is_own(address: IpAddr) -> bool {
    [address, destination(address)].into_iter().any(|address| {
        let by_binding = || io::Result::Ok(can_bind(address)? && !can_bind(nobody(address))?);
        is_local_source(address) || by_binding().unwrap_or(true)
    })
}

/// Only addresses of the machine can be bound to, unless the administrator lets
/// processes bind to any (`net.ipv4.ip_nonlocal_bind`).
fn can_bind(address: IpAddr) -> io::Result<bool> {
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the kernel would connect from the address to itself. Not so for the
/// further addresses of a network, which it reaches from the first.
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
