//! Limits warnings of libraries that a client can cause at will, one for each
//! upload that is broken off, or that come with each attempt to reach a server
//! that is away: nothing else would limit how fast a log grows.

use concept_refinement_capability::log_throttle::{LONG_INTERVAL, LogThrottle};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Whose warnings are limited, by the beginning of the target.
const LIBRARIES: [&str; 2] = ["wasmtime_wasi_http", "async_nats"];

/// Logs one warning of each a minute.
pub struct LibraryThrottle([LogThrottle; LIBRARIES.len()]);

impl LibraryThrottle {
    pub const fn new() -> Self {
        Self([const { LogThrottle::every(LONG_INTERVAL) }; LIBRARIES.len()])
    }
}

impl<S: Subscriber> Layer<S> for LibraryThrottle {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // What is more verbose was asked for.
        if *metadata.level() > Level::WARN {
            return true;
        }
        let is_of = |library: &&str| metadata.target().starts_with(*library);
        let index = LIBRARIES.iter().position(is_of);
        let throttle = index.and_then(|index| self.0.get(index));
        throttle.is_none_or(|throttle| throttle.times().is_some())
    }
}
