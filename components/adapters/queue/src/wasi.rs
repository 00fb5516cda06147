//! The time and randomness of a component.

use std::time::Duration;

use wasip3::clocks::monotonic_clock;
use wasip3::random::random;

use crate::Clock;

pub struct Wasi;

impl Clock for Wasi {
    async fn sleep(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::wait_for(nanoseconds).await;
    }

    fn jitter(&self) -> f64 {
        // An f64 holds 53 bits exactly.
        (random::get_random_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}
