//! The time of day for guests: the host's clock, which follows that of a shared store if
//! there is one. With the machine's clock, a session issued on one host could already
//! have expired on another.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::Clock;
use wasmtime_wasi::HostWallClock;

pub struct WallClock(pub Arc<dyn Clock>);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.0.now().0)
    }
}
