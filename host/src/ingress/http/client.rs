//! Who a request comes from, behind the proxies that the operator trusts.
//!
//! A forwarded header is what anyone may write. It counts where a trusted proxy
//! wrote it, and no request takes one further than this.

use std::net::{IpAddr, SocketAddr};

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName};

use super::authority::is_host_and_port;
use crate::config::Networks;

/// The proxies that one request may have come through; of more than these no
/// word is taken.
const MAX_HOPS: usize = 32;

/// The client, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// How it reached the first of the proxies, or us.
    pub scheme: Scheme,
    /// Whom it asked for, where a proxy tells.
    pub authority: Option<Authority>,
}

impl Client {
    /// Takes all forwarded fields out of the headers.
    pub fn of(peer: IpAddr, headers: &mut HeaderMap, trusted: &Networks) -> Self {
        let peer = peer.to_canonical();
        let client = if trusted.contains(peer) {
            Self::forwarded(peer, headers, trusted)
        } else {
            Self {
                address: peer,
                scheme: Scheme::HTTP,
                authority: None,
            }
        };
        strip(headers);
        client
    }

    fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> Self {
        let hops = values(headers, "x-forwarded-for");
        // From the end, where the nearest proxy wrote: the first that nobody
        // vouches for is the client, whatever it claims to come from itself.
        let mut address = peer;
        let mut first = hops.len();
        for hop in hops.iter().rev().take(MAX_HOPS) {
            let Some(hop) = hop_address(hop) else { break };
            address = hop;
            first -= 1;
            if !trusted.contains(hop) {
                break;
            }
        }
        let told = |name| {
            let values = values(headers, name);
            let of_client = match values.len() == hops.len() {
                true => values.get(first).or(values.last()),
                false => values.last(),
            };
            of_client.copied()
        };
        let is_https = told("x-forwarded-proto").is_some_and(|proto| {
            proto.eq_ignore_ascii_case("https") || proto.eq_ignore_ascii_case("wss")
        });
        Self {
            address,
            scheme: match is_https {
                true => Scheme::HTTPS,
                false => Scheme::HTTP,
            },
            authority: told("x-forwarded-host")
                .and_then(|host| Authority::try_from(host).ok())
                .filter(is_host_and_port),
        }
    }
}

/// All values of a field that is a list, in one field or in several. One that is
/// not text spoils all of them.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let fields: Result<Vec<_>, _> = headers
        .get_all(name)
        .iter()
        .map(http::HeaderValue::to_str)
        .collect();
    let fields = fields.unwrap_or_default();
    fields
        .into_iter()
        .flat_map(|field| field.split(','))
        .map(str::trim)
        .collect()
}

/// An address, perhaps with a port, and in brackets where it is of IPv6.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let address = bare
        .parse()
        .or_else(|_| hop.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

fn strip(headers: &mut HeaderMap) {
    let is_forwarded = |name: &&HeaderName| {
        matches!(name.as_str(), "forwarded" | "x-real-ip")
            || name.as_str().starts_with("x-forwarded-")
    };
    let forwarded: Vec<HeaderName> = headers.keys().filter(is_forwarded).cloned().collect();
    for name in forwarded {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
