//! Time limits.

use std::future::Future;
use std::time::Duration;

use crate::ports::Clock;

/// A time limit for several steps together. Waiting between them does not count.
pub struct Budget<'a, C> {
    clock: &'a C,
    left: Duration,
}

impl<'a, C: Clock> Budget<'a, C> {
    pub fn new(clock: &'a C, limit: Duration) -> Self {
        Self { clock, left: limit }
    }

    /// None: the time was up first, and the step was dropped.
    pub async fn spend<T>(&mut self, step: impl Future<Output = T>) -> Option<T> {
        let begin = self.clock.now();
        let done = self.clock.timeout(self.left, step).await;
        let took = self.clock.now().since(begin);
        self.left = self.left.saturating_sub(took);
        done
    }
}
