//! Time to wait by, chance, and work that goes on beside: tokio's where a host runs, a
//! simulation's where every order of events is to be tried.
//!
//! Whatever loops for as long as a host lives asks this instead of tokio. What
//! time it is says the [`Clock`](crate::Clock): it may jump.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::RngExt as _;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Time, chance and spawning.
pub trait Runtime: Send + Sync {
    /// The time since some moment. It only grows, and evenly.
    fn elapsed(&self) -> Duration;

    /// Ends after the duration.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Evenly distributed in 0..1.
    fn random(&self) -> f64;

    /// Begins some work, which may run on another core. What is answered ends
    /// with the work, and ends it when it is dropped.
    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;
}

/// The runtime that it is called from.
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

    /// A panic ends the work alone.
    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let handle = AbortOnDropHandle::new(tokio::spawn(work));
        handle.map(drop).boxed()
    }
}
