//! Ports that several components have in common, in domain words.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

pub trait Clock {
    fn now(&self) -> Timestamp;

    async fn sleep(&self, duration: Duration);
}

pub trait Random {
    /// Unpredictable, and random enough to be used as a unique name.
    fn random(&self) -> u64;

    /// Uniform in 0..1, to spread retries.
    fn jitter(&self) -> f64 {
        // An f64 holds 53 bits exactly.
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A stream of bytes.
pub trait ByteStream {
    /// The next chunk. None at the end, or if the sender gave up; the two look
    /// alike, so compare with the declared length.
    async fn next(&mut self) -> Option<Vec<u8>>;
}
