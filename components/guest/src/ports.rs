//! Ports that several components share, in terms of the domain.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

pub trait Clock {
    fn now(&self) -> Timestamp;

    async fn sleep(&self, duration: Duration);
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
