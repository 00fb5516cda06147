//! The time of day of a guest: the host's, which is that of a shared store where
//! there is one. By the machine's, sessions of one host would be over on another.

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
