//! Connects to an address that was checked.
//!
//! The addresses of a host are tried one after the other, each soon after the previous
//! one (RFC 8305, "happy eyeballs"), so one that does not answer does not hide the
//! others. The first connection wins. The caller sets the overall timeout.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;
use wasmtime_wasi_http::Error;

use super::resolver::Resolver;

/// Delay between attempts while none has succeeded (RFC 8305, section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Limits of addresses tried per host, and of attempts at a time: a name may have any
/// number of addresses, which may belong to anyone.
const MAX_ADDRESSES: usize = 16;
const MAX_ATTEMPTS: usize = 4;

/// Limit of attempts beyond the first one of each connection, for all connections
/// together: each needs a socket.
const FURTHER_ATTEMPTS: usize = 64;

/// Resolves a host and connects to one of its permitted addresses.
pub async fn connect(
    resolver: &dyn Resolver,
    host: &str,
    port: u16,
    permitted: impl Fn(IpAddr) -> bool,
) -> Result<TcpStream, Error> {
    let addresses = resolver
        .resolve(unbracketed(host), port)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Error::DnsTimeout,
            _ => Error::DnsError {
                rcode: None,
                info_code: None,
            },
        })?;
    let mut failure = match addresses.is_empty() {
        true => Error::DestinationNotFound,
        false => Error::DestinationIpProhibited,
    };
    let mut left = by_turns(addresses)
        .filter(|address| permitted(address.ip()))
        .take(MAX_ADDRESSES)
        .peekable();
    let mut attempts = FuturesUnordered::new();
    loop {
        if attempts.is_empty() {
            let Some(address) = left.next() else {
                return Err(failure);
            };
            attempts.push(attempt(address, None));
        }
        let may_begin = attempts.len() < MAX_ATTEMPTS && left.peek().is_some();
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(Error::Connect)?;
                    return Ok(stream);
                }
                Err(_) => failure = Error::ConnectionRefused,
            },
            place = further(), if may_begin => {
                attempts.extend(left.next().map(|address| attempt(address, place)));
            }
        }
    }
}

/// Holds its permit until the attempt ends.
async fn attempt(
    address: SocketAddr,
    _place: Option<SemaphorePermit<'static>>,
) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

/// Waits until another attempt may begin.
async fn further() -> Option<SemaphorePermit<'static>> {
    static FURTHER: Semaphore = Semaphore::const_new(FURTHER_ATTEMPTS);
    sleep(ATTEMPT_DELAY).await;
    FURTHER.acquire().await.ok()
}

/// Alternates between IPv4 and IPv6, otherwise in the resolver's order, which is that of
/// preference (RFC 6724).
fn by_turns(addresses: Vec<SocketAddr>) -> impl Iterator<Item = SocketAddr> {
    let (mut v4, mut v6) = (0, 0);
    let mut turns: Vec<(usize, SocketAddr)> = addresses
        .into_iter()
        .map(|address| {
            let turn = if address.is_ipv4() { &mut v4 } else { &mut v6 };
            *turn += 1;
            (*turn, address)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, address)| address)
}

/// An IPv6 literal without the brackets that a URL puts around it.
pub fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
