//! Timers, randomness and spawning: tokio's in a real host, a simulated one where tests
//! try every order of events.
//!
//! Every loop that runs as long as the host uses this instead of tokio directly. For the
//! time of day there is the [`Clock`](crate::Clock), which may jump.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::RngExt as _;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Timers, randomness and spawning.
pub trait Runtime: Send + Sync {
    /// The time since a fixed moment; monotonic and even.
    fn elapsed(&self) -> Duration;

    /// Completes after the duration.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Uniformly distributed in 0..1.
    fn random(&self) -> f64;

    /// Spawns a future, perhaps on another core. The returned future completes with it,
    /// and cancels it when dropped.
    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;
}

/// The tokio runtime of the caller.
pub struct Tokio {
    begin: Instant,
}

impl Default for Tokio {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
        }
    }
}

impl Runtime for Tokio {
    fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn random(&self) -> f64 {
        rand::rng().random()
    }

    /// A panic ends only this work.
    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let handle = AbortOnDropHandle::new(tokio::spawn(work));
        handle.map(drop).boxed()
    }
}
