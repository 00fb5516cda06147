//! Tracks the connections of clients, and closes idle ones when they run short.
//!
//! A connection without a request in progress is idle. Permits are shared as in
//! `permits.rs`, except that idle connections can be taken back: a client which would get
//! no more gets one of the client that holds the most, if that is more than its own, and
//! replaces its own otherwise.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use concept_refinement_capability::permits::Subnet;
use concept_refinement_domain::share::{RESERVE, has_share};
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// All connections, of all clients.
pub struct Connections {
    limit: usize,
    begin: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    next: u64,
    /// By client and in the order of arrival. The key None stands for trusted proxies.
    by_client: HashMap<Option<Subnet>, BTreeMap<u64, Arc<State>>>,
}

/// State of one connection.
struct State {
    closing: CancellationToken,
    begin: Instant,
    requests: AtomicUsize,
    /// Since when it is idle, in milliseconds since `begin`.
    idle_since: AtomicU64,
}

/// A permit for one connection, free again when it is dropped.
pub struct Connection {
    connections: Arc<Connections>,
    client: Option<Subnet>,
    number: u64,
    state: Arc<State>,
}

/// While this exists, its connection is not idle.
pub struct Busy(Arc<State>);

impl Connections {
    /// At most so many at a time.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            begin: Instant::now(),
            open: Mutex::default(),
        })
    }

    /// A permit for a connection of this client, which must close once `closing` is
    /// cancelled. None: the client has its share, and neither it nor a client with more
    /// has an idle one. `client` is None for trusted proxies, which stand for many
    /// clients.
    pub fn open(
        self: &Arc<Self>,
        client: Option<Subnet>,
        closing: CancellationToken,
    ) -> Option<Connection> {
        let mut open = self.open.lock();
        let own = open.by_client.get(&client).map_or(0, BTreeMap::len);
        let has_share = match client {
            Some(_) => has_share(self.limit, open.total, own, RESERVE),
            None => open.total < self.limit,
        };
        if !has_share {
            let loses_one = open.largest_beyond(own).unwrap_or(client);
            if !open.close_idle(loses_one) {
                return None;
            }
        }
        let number = open.next;
        open.next += 1;
        open.total += 1;
        let state = Arc::new(State {
            closing,
            begin: self.begin,
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(since(self.begin)),
        });
        let of_client = open.by_client.entry(client).or_default();
        of_client.insert(number, Arc::clone(&state));
        Some(Connection {
            connections: Arc::clone(self),
            client,
            number,
            state,
        })
    }
}

impl Open {
    /// Closes the connection of this client that has been idle for longest. False: it has
    /// no idle connection.
    fn close_idle(&mut self, client: Option<Subnet>) -> bool {
        let idle = self.by_client.get(&client).and_then(|connections| {
            let idle = connections.iter().filter(|(_, state)| state.is_idle());
            idle.min_by_key(|(_, state)| state.idle_since.load(Ordering::Relaxed))
                .map(|(number, state)| (*number, Arc::clone(state)))
        });
        if let Some((number, state)) = &idle {
            state.closing.cancel();
            self.remove(client, *number);
        }
        idle.is_some()
    }

    /// The client with the most connections, more than `own`, that has an idle one.
    /// Trusted proxies stand for many clients: they lose a connection only to a client
    /// that has none, and only if no other client can lose one.
    fn largest_beyond(&self, own: usize) -> Option<Option<Subnet>> {
        let larger = self.by_client.iter().filter(|(client, of)| {
            let is_larger = match client {
                Some(_) => of.len() > own,
                None => own == 0,
            };
            is_larger && of.values().any(|state| state.is_idle())
        });
        let largest = larger.max_by_key(|(client, of)| (client.is_some(), of.len()));
        largest.map(|(client, _)| *client)
    }

    fn remove(&mut self, client: Option<Subnet>, number: u64) {
        let Some(connections) = self.by_client.get_mut(&client) else {
            return;
        };
        if connections.remove(&number).is_some() {
            self.total -= 1;
        }
        if connections.is_empty() {
            self.by_client.remove(&client);
        }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }
}

impl Connection {
    /// To be held for each request until its answer was handed to the system.
    pub fn busy(&self) -> Busy {
        self.state.requests.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.state))
    }

    /// Completes when its permit is given to another connection, or all have to end.
    pub async fn closed(&self) {
        self.state.closing.cancelled().await;
    }

    /// Waits until the connection has been idle for this long.
    pub async fn idle_for(&self, limit: Duration) {
        loop {
            let since = Duration::from_millis(self.state.idle_since.load(Ordering::Relaxed));
            let end = match self.state.is_idle() {
                true => self.state.begin + since + limit,
                false => Instant::now() + limit,
            };
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections
            .open
            .lock()
            .remove(self.client, self.number);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // The time is set first: otherwise a connection that just became idle would look
        // like the oldest.
        let now = since(self.0.begin);
        self.0.idle_since.store(now, Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

fn since(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
