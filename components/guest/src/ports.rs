//! Ports that several components share, in terms of the domain.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

pub trait Clock {
    fn now(&self) -> Timestamp;

    async fn sleep(&self, duration: Duration);

    /// What the work answers. None: the time was up first, and the work was dropped.
    async fn timeout<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut end = pin!(self.sleep(limit));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => end.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}

pub trait Random {
    /// Unpredictable, and random enough for unique names.
    fn random(&self) -> u64;

    /// Uniform in 0..1, to spread retries.
    fn jitter(&self) -> f64 {
        // An f64 holds 53 bits exactly.
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A stream of bytes.
pub trait ByteStream {
    /// The next chunk. None at the end, or if the sender gave up; the two cannot be
    /// distinguished, so compare the length with the declared one.
    async fn next(&mut self) -> Option<Vec<u8>>;
}
