//! The clock and randomness of WASI.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::random::random::get_random_u64;

use crate::ports::{Clock, Random};

/// The imports of a component, with which it implements its ports.
#[derive(Clone, Copy, Default)]
pub struct Imports;

impl Clock for Imports {
    fn now(&self) -> Timestamp {
        let now = system_clock::now();
        let seconds = u64::try_from(now.seconds).unwrap_or_default();
        Timestamp::from_secs(seconds).plus(Duration::from_nanos(now.nanoseconds.into()))
    }

    async fn sleep(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::wait_for(nanoseconds).await;
    }
}

impl Random for Imports {
    fn random(&self) -> u64 {
        get_random_u64()
    }
}
