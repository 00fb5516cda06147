//! Ends a body that comes too slowly, on platforms that do not do so themselves.

use std::time::Duration;

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
        let left = SPAN.saturating_sub(self.waited);
        let chunk = match self.clock.timeout(left, self.body.chunk()).await {
            Some(Ok(Some(chunk))) => chunk,
            Some(end) => return end,
            None => return Err(Interrupted),
        };
        self.waited = self.waited.saturating_add(self.clock.now().since(begin));
        self.received = self.received.saturating_add(chunk.len());
        if self.received >= MIN_BYTES {
            (self.waited, self.received) = (Duration::ZERO, 0);
        } else if self.waited >= SPAN {
            return Err(Interrupted);
        }
        Ok(Some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::VecDeque;
    use std::future::pending;
    use std::rc::Rc;

    use concept_refinement_domain::timestamp::Timestamp;

    use super::*;
    use crate::tests::service::run;

    /// Each chunk comes after this time. Behind the last one nothing comes.
    struct Client {
        chunks: VecDeque<(Duration, usize)>,
        now: Rc<Cell<Timestamp>>,
    }

    impl Body for Client {
        async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
            match self.chunks.pop_front() {
                Some((after, length)) => {
                    self.now.set(self.now.get().plus(after));
                    Ok(Some(vec![0; length]))
                }
                None => pending().await,
            }
        }
    }

    /// Whoever sleeps wakes up at once, and has slept.
    struct Alarm(Rc<Cell<Timestamp>>);

    impl Clock for Alarm {
        fn now(&self) -> Timestamp {
            self.0.get()
        }

        async fn sleep(&self, duration: Duration) {
            self.0.set(self.0.get().plus(duration));
        }
    }

    #[test]
    fn a_body_has_to_come_at_a_pace() {
        let second = Duration::from_secs(1);
        for (name, chunks, read) in [
            ("silence", vec![], 0),
            ("a byte a second", vec![(second, 1); 40], 29),
            ("a little less than enough", vec![(second, 1023); 40], 29),
            ("just enough", vec![(second, 1024); 90], 90),
            ("much, and then nothing", vec![(second, 100_000); 2], 2),
        ] {
            let now = Rc::new(Cell::new(Timestamp::from_secs(1_000)));
            let client = Client {
                chunks: chunks.into(),
                now: Rc::clone(&now),
            };
            let mut paced = Paced::new(client, Alarm(now));
            let mut count = 0;
            while run(paced.chunk()).is_ok() {
                count += 1;
            }
            assert_eq!(count, read, "{name}");
        }
    }
}
