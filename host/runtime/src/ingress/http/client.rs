//! Determines the client of a request behind trusted proxies.
//!
//! Anyone can send a forwarded header. It counts only if it comes from a trusted proxy,
//! and is always removed here.

use std::net::{IpAddr, SocketAddr};

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName};

use super::origin::is_host_and_port;
use crate::ingress::networks::Networks;

/// Limit of proxies per request; entries of further ones are ignored.
const MAX_HOPS: usize = 32;

/// What is known about the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// The scheme between the client and the first proxy, or us.
    pub scheme: Scheme,
    /// The host that the client requested, if a proxy says so.
    pub authority: Option<Authority>,
    /// Whether the peer forwards for others without being a trusted proxy.
    pub claims_to_forward: bool,
}

impl Client {
    /// Reads and removes all forwarded headers.
    pub fn of(peer: IpAddr, headers: &mut HeaderMap, trusted: &Networks) -> Self {
        let peer = peer.to_canonical();
        let client = if trusted.contains(peer) {
            Self::forwarded(peer, headers, trusted)
        } else {
            Self {
                address: peer,
                scheme: Scheme::HTTP,
                authority: None,
                claims_to_forward: headers.contains_key("x-forwarded-for"),
            }
        };
        strip(headers);
        client
    }

    fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> Self {
        let hops = values(headers, "x-forwarded-for");
        // From the end, where the nearest proxy wrote: the first address that is not a
        // trusted proxy is the client. What the client itself wrote before that does not
        // count.
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
        let trusted = |name| {
            let values = values(headers, name);
            let of_client = match values.len() == hops.len() {
                true => values.get(first).or(values.last()),
                false => values.last(),
            };
            of_client.copied()
        };
        let is_https = trusted("x-forwarded-proto").is_some_and(|proto| {
            proto.eq_ignore_ascii_case("https") || proto.eq_ignore_ascii_case("wss")
        });
        Self {
            address,
            scheme: match is_https {
                true => Scheme::HTTPS,
                false => Scheme::HTTP,
            },
            authority: trusted("x-forwarded-host")
                .and_then(|host| Authority::try_from(host).ok())
                .filter(is_host_and_port),
            claims_to_forward: false,
        }
    }
}

/// All values of a list field, from one or more header lines. Empty if any line is not
/// ASCII.
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

/// Parses an address, perhaps with a port, IPv6 in brackets.
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
