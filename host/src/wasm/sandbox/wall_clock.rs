//! The host's clock as guests see it.

use std::sync::Arc;
use std::time::Duration;

use wasmtime_wasi::HostWallClock;

use crate::capability::Clock;

/// By which a component with capabilities goes, so that it agrees with the stores
/// about the time.
pub(super) struct WallClock(pub(super) Arc<dyn Clock>);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.0.now().0)
    }
}
