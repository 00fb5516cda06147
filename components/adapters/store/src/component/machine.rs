//! The clock and chance of WASI.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::random::random;

use crate::ports::Machine;

#[derive(Default)]
pub struct Wasi;

impl Machine for Wasi {
    fn now(&self) -> Timestamp {
        let now = system_clock::now();
        let seconds = u64::try_from(now.seconds).unwrap_or(0);
        let micros = u64::from(now.nanoseconds / 1_000);
        Timestamp(seconds.saturating_mul(1_000_000).saturating_add(micros))
    }

    fn random(&self) -> u64 {
        random::get_random_u64()
    }

    async fn pause(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::wait_for(nanos).await;
    }
}
