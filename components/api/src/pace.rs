//! Ends a body that comes too slowly, on platforms that do not do so themselves.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use crate::ports::Clock;
use crate::request::{Body, Interrupted};

/// While the client is waited for, at least so many bytes must arrive in each of these
/// spans: 1 KiB a second.
const SPAN: Duration = Duration::from_secs(30);
const MIN_BYTES: usize = 30 * 1024;

/// A body with a lower limit on its speed. Time without a waiting reader does not count.
pub struct Paced<B, C> {
    body: B,
    clock: C,
    /// How long the client was waited for in this span.
    waited: Duration,
    received: usize,
}

impl<B: Body, C: Clock> Paced<B, C> {
    pub fn new(body: B, clock: C) -> Self {
        Self {
            body,
            clock,
            waited: Duration::ZERO,
            received: 0,
        }
    }
}

impl<B: Body, C: Clock> Body for Paced<B, C> {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        let begin = self.clock.now();
        let left = pin!(self.clock.sleep(SPAN.saturating_sub(self.waited)));
        let chunk = match select(pin!(self.body.chunk()), left).await {
            Either::Left((chunk, _)) => chunk?,
            Either::Right(((), _)) => return Err(Interrupted),
        };
        self.waited = self.waited.saturating_add(self.clock.now().since(begin));
        self.received = self
            .received
            .saturating_add(chunk.as_ref().map_or(0, Vec::len));
        if self.received >= MIN_BYTES {
            (self.waited, self.received) = (Duration::ZERO, 0);
        }
        Ok(chunk)
    }
}
