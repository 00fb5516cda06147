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

    /// Evenly distributed in 0..1, to spread repeats.
    fn jitter(&self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Bytes that come piece by piece.
pub trait ByteStream {
    /// The next piece. None at the end, or where the sender gave up: the two
    /// look alike, so compare what came with what was promised.
    async fn next(&mut self) -> Option<Vec<u8>>;
}
