//! Rate limit per client address, for requests without credentials.
//!
//! Requests from loopback are not limited: a local user could read the signing secret
//! anyway. A proxy on this machine that is not configured as trusted is limited; its
//! forwarded header gives it away.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::permits::Subnet;
use concept_refinement_capability::rate::{Buckets, Rate};
use http::Method;
use parking_lot::Mutex;

use super::client::Client;
use crate::ingress::networks::Networks;

/// Which requests are limited, and how.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The method of limited requests.
    pub method: Method,
    /// The path of limited requests.
    pub path: &'static str,
    /// The limit per client.
    pub rate: Rate,
    /// What a client that makes too many is told.
    pub sentence: &'static str,
}

/// A client has made too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// When to try again.
    pub wait: Duration,
    /// For the client.
    pub sentence: &'static str,
}

/// Limits how often clients make a request.
pub struct Throttle {
    limit: Limit,
    begin: Instant,
    buckets: Mutex<Buckets<Subnet>>,
}

impl Throttle {
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            begin: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    /// An error says when to try again, and why.
    pub fn admit<B>(
        &self,
        request: &http::Request<B>,
        client: &Client,
        proxies: &Networks,
    ) -> Result<(), TooOften> {
        let is_limited =
            request.method() == self.limit.method && request.uri().path() == self.limit.path;
        // A local proxy that is not trusted stands for remote clients, not for a local
        // user.
        let is_this_machine = client.address.is_loopback()
            && !client.claims_to_forward
            && !proxies.contains(client.address);
        if !is_limited || is_this_machine {
            return Ok(());
        }
        if client.claims_to_forward {
            warn_of_proxy(client.address);
        }
        let mut buckets = self.buckets.lock();
        let client = Subnet::of(client.address);
        let taken = buckets.take(self.limit.rate, client, self.begin.elapsed());
        taken.map_err(|wait| TooOften {
            wait,
            sentence: self.limit.sentence,
        })
    }
}

/// All clients of such a proxy share one limit.
fn warn_of_proxy(address: IpAddr) {
    log_throttled!(
        warn every minute,
        "requests say for whom they are forwarded, which does not count: if a \
             proxy is at this address, set trusted-proxies to it",
        %address
    );
}

#[cfg(test)]
mod tests {
    use http::uri::Scheme;

    use super::*;

    const LIMIT: Limit = Limit {
        method: Method::POST,
        path: "/a",
        rate: Rate {
            at_once: 0,
            interval: Duration::from_secs(10),
        },
        sentence: "",
    };

    #[test]
    fn what_is_limited() {
        let trusted = Networks::parse("::1").unwrap();
        let (post, client) = (Method::POST, "203.0.113.1");
        let cases = [
            ("the path", &post, "/a", client, false, true),
            ("a query", &post, "/a?b", client, false, true),
            ("another method", &Method::GET, "/a", client, false, false),
            ("another path", &post, "/a/b", client, false, false),
            ("this machine", &post, "/a", "127.0.0.1", false, false),
            ("a proxy on it", &post, "/a", "::1", false, true),
            ("one without a name", &post, "/a", "127.0.0.1", true, true),
        ];
        for (name, method, path, from, claims_to_forward, is_limited) in cases {
            let throttle = Throttle::new(LIMIT);
            let request = http::Request::builder().method(method).uri(path);
            let request = request.body(()).unwrap();
            let client = Client {
                address: from.parse().unwrap(),
                scheme: Scheme::HTTP,
                authority: None,
                claims_to_forward,
            };
            let admitted = throttle.admit(&request, &client, &trusted);
            assert_eq!(admitted.is_err(), is_limited, "{name}");
        }
    }
}
