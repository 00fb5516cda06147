//! Ports for servers that must be told theirs, and for addresses where nobody listens.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that systems give to outgoing connections (on Linux from 32768 on): one
/// of those can be taken between the choice and the start of the server, or while it is
/// stopped.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// Test programs that run at once begin at different ones.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let start = RandomState::new().hash_one(()) % u64::from(COUNT);
    AtomicU16::new(start as u16)
});

/// A port of the loopback interface where nobody listens, and which is given out once by this
/// process.
pub fn free_port() -> u16 {
    loop {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The same as an address.
pub fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}
