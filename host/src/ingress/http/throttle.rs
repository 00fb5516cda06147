//! Rate limit per client address, for requests without credentials.
//!
//! Loopback is not limited: a local user could read the signing secret anyway. A
//! proxy on this machine that is not named as one is, by its forwarded header.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Method;

use super::client::Client;
use crate::config::Networks;
use crate::log_throttle::{LONG_INTERVAL, LogThrottle};
use crate::places::Subnet;

/// Most clients that are tracked, about 4 MB. Beyond that, those with the
/// fewest requests are dropped.
const CLIENTS: usize = 1 << 16;

/// A burst of requests, then one per interval.
#[derive(Clone, Debug)]
pub struct Limit {
    pub method: Method,
    pub path: &'static str,
    pub at_once: u32,
    pub interval: Duration,
}

pub struct Throttle {
    limit: Limit,
    begin: Instant,
    buckets: Mutex<Buckets>,
}

/// For each client the time when its burst is full again, since `begin`.
#[derive(Default)]
struct Buckets(HashMap<Subnet, Duration>);

impl Throttle {
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            begin: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    /// The error says when to try again.
    pub fn admit<B>(
        &self,
        request: &http::Request<B>,
        client: &Client,
        proxies: &Networks,
    ) -> Result<(), Duration> {
        let is_limited =
            request.method() == self.limit.method && request.uri().path() == self.limit.path;
        // A local proxy that does not name its client is not a local user.
        let is_this_machine = client.address.is_loopback()
            && !client.claims_to_forward
            && !proxies.contains(client.address);
        if !is_limited || is_this_machine {
            return Ok(());
        }
        if client.claims_to_forward {
            warn_of_proxy(client.address);
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let client = Subnet::of(client.address);
        buckets.take(&self.limit, client, self.begin.elapsed())
    }
}

/// All clients of such a proxy share one limit.
fn warn_of_proxy(address: IpAddr) {
    static CLAIMED: LogThrottle = LogThrottle::every(LONG_INTERVAL);
    if let Some(times) = CLAIMED.times() {
        tracing::warn!(
            %address,
            times,
            "requests for sessions say for whom they are forwarded, which does not count: if a \
             proxy is at this address, set trusted-proxies to it"
        );
    }
}

impl Buckets {
    fn take(&mut self, limit: &Limit, client: Subnet, now: Duration) -> Result<(), Duration> {
        let full = limit.interval.saturating_mul(limit.at_once);
        let before = self.0.get(&client).copied();
        let refilled = before.unwrap_or_default().max(now) + limit.interval;
        if let Some(wait) = refilled
            .checked_sub(now + full)
            .filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        if before.is_none() && self.0.len() >= CLIENTS {
            self.forget(limit.interval, now);
        }
        self.0.insert(client, refilled);
        Ok(())
    }

    /// Drops clients whose burst is full again, then those that lack one
    /// request, and so on until half of the space is free.
    fn forget(&mut self, interval: Duration, now: Duration) {
        let mut until = now;
        while self.0.len() > CLIENTS / 2 {
            self.0.retain(|_, refilled| *refilled > until);
            until += interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::uri::Scheme;

    use super::*;

    const LIMIT: Limit = Limit {
        method: Method::POST,
        path: "/a",
        at_once: 3,
        interval: Duration::from_secs(10),
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn subnet(text: &str) -> Subnet {
        Subnet::of(text.parse().unwrap())
    }

    #[test]
    fn some_at_once_and_then_one_in_each_interval() {
        let mut buckets = Buckets::default();
        let client = subnet("203.0.113.1");
        for (at, expected) in [
            (100, Ok(())),
            (100, Ok(())),
            (100, Ok(())),
            (100, Err(10)),
            (105, Err(5)),
            (105, Err(5)),
            (110, Ok(())),
            (110, Err(10)),
            (1000, Ok(())),
            (1000, Ok(())),
            (1000, Ok(())),
            (1000, Err(10)),
        ] {
            let taken = buckets.take(&LIMIT, client, seconds(at));
            assert_eq!(taken, expected.map_err(seconds), "at {at}");
        }
        let other = subnet("203.0.113.2");
        assert_eq!(buckets.take(&LIMIT, other, seconds(1000)), Ok(()));
    }

    #[test]
    fn many_clients_take_no_more_room_and_the_worst_are_remembered() {
        let mut buckets = Buckets::default();
        let worst = subnet("203.0.113.1");
        while buckets.take(&LIMIT, worst, seconds(0)).is_ok() {}
        for number in 0..3 * CLIENTS as u32 {
            let client = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
            assert_eq!(buckets.take(&LIMIT, Subnet::of(client), seconds(0)), Ok(()));
            assert!(buckets.0.len() <= CLIENTS);
        }
        assert!(buckets.take(&LIMIT, worst, seconds(0)).is_err());
    }

    #[test]
    fn what_is_limited() {
        let trusted = Networks::parse("::1").unwrap();
        let cases = [
            ("the path", Method::POST, "/a", "203.0.113.1", false, true),
            ("a query", Method::POST, "/a?b", "203.0.113.1", false, true),
            (
                "another method",
                Method::GET,
                "/a",
                "203.0.113.1",
                false,
                false,
            ),
            (
                "another path",
                Method::POST,
                "/a/b",
                "203.0.113.1",
                false,
                false,
            ),
            (
                "this machine",
                Method::POST,
                "/a",
                "127.0.0.1",
                false,
                false,
            ),
            ("a proxy on it", Method::POST, "/a", "::1", false, true),
            (
                "one without a name",
                Method::POST,
                "/a",
                "127.0.0.1",
                true,
                true,
            ),
        ];
        for (name, method, path, from, claims_to_forward, is_limited) in cases {
            let throttle = Throttle::new(Limit {
                at_once: 0,
                ..LIMIT
            });
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
