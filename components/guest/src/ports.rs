//! What several components need from outside, in domain words. A component has
//! it of WASI, a test makes its own.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

pub trait Clock {
    fn now(&self) -> Timestamp;

    async fn sleep(&self, duration: Duration);
}

pub trait Random {
    /// Nobody can foresee it, and it is so unlikely to come twice that it names
    /// something.
    fn random(&self) -> u64;

    /// Uniform in 0..1, to spread retries.
    fn jitter(&self) -> f64 {
        // An f64 holds 53 bits exactly.
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A stream of bytes.
pub trait ByteStream {
    /// The next chunk. None at the end, or where the sender gave up: the two
    /// look alike, so compare what came with what was promised.
    async fn next(&mut self) -> Option<Vec<u8>>;
}
