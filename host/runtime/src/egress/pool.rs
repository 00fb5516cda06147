//! Idle connections for the next request of the same component to the same origin, which
//! saves it the look-up, the handshake and their round trips.
//!
//! Only a connection whose last answer was read to its end comes here; others are closed.
//! Each component has its own pool, and a connection's address is checked again when it
//! is taken.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use concept_refinement_domain::purpose::Purpose;
use parking_lot::Mutex;
use tokio::runtime::{self, Handle};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::grant::Origin;

/// How long a connection stays idle: less than common servers allow (5 s in Node.js and
/// uvicorn), so that few requests meet a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Longest use of a connection, so that a change of the name's address is noticed.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Most idle connections.
const CAPACITY: usize = 32;

#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Idle>>);

/// Which requests may use a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    origin: Origin,
    purpose: Purpose,
    /// The runtime that drives the connection: from another one, each step would have to
    /// wake it.
    runtime: runtime::Id,
}

impl Key {
    /// For the current runtime.
    pub fn new(origin: Origin, purpose: Purpose) -> Self {
        Self {
            origin,
            purpose,
            runtime: Handle::current().id(),
        }
    }
}

impl Pool {
    /// The most recently used connection whose address is still permitted.
    pub fn take(&self, key: &Key, permitted: impl Fn(IpAddr) -> bool) -> Option<Connection> {
        let mut idle = self.0.lock();
        idle.close_old();
        let fits = |waiting: &Waiting| {
            let Waiting { connection, .. } = waiting;
            waiting.key == *key && connection.is_ready() && connection.age() < MAX_AGE
        };
        let place = idle.waiting.iter().rposition(fits)?;
        let Waiting { connection, .. } = idle.waiting.remove(place)?;
        drop(idle);
        permitted(connection.address()).then_some(connection)
    }

    /// Takes a connection whose exchange has ended.
    fn put(&self, key: Key, connection: Connection) {
        // Outside of a runtime (at shutdown) no more requests are sent either.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut idle = self.0.lock();
        idle.close_old();
        if idle.waiting.len() >= CAPACITY {
            idle.waiting.pop_front();
        }
        idle.waiting.push_back(Waiting {
            key,
            connection,
            since: Instant::now(),
        });
        if idle.reaper.as_ref().is_none_or(JoinHandle::is_finished) {
            idle.reaper = Some(runtime.spawn(reap(Arc::downgrade(&self.0))));
        }
    }
}

/// A connection whose answer is being read, and the pool that it goes to afterwards. If
/// dropped before, the connection is closed.
pub struct Checkout {
    pub pool: Pool,
    pub key: Key,
    pub connection: Connection,
}

impl Checkout {
    /// The answer has been read to its end.
    pub fn end(self) {
        self.pool.put(self.key, self.connection);
    }
}

#[derive(Default)]
struct Idle {
    /// The longest idle first.
    waiting: VecDeque<Waiting>,
    /// Closes connections that were idle too long; runs on the runtime that put the first
    /// one.
    reaper: Option<JoinHandle<()>>,
}

struct Waiting {
    key: Key,
    connection: Connection,
    since: Instant,
}

impl Idle {
    fn close_old(&mut self) {
        let is_old = |waiting: &mut Waiting| waiting.since.elapsed() >= IDLE_TIMEOUT;
        while self.waiting.pop_front_if(is_old).is_some() {}
    }
}

async fn reap(pool: Weak<Mutex<Idle>>) {
    loop {
        sleep(IDLE_TIMEOUT).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let mut idle = pool.lock();
        idle.close_old();
        if idle.waiting.is_empty() {
            idle.reaper = None;
            return;
        }
    }
}

#[cfg(test)]
mod tests;
