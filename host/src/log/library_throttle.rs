//! Limits warnings of libraries that clients can cause at will (such as one for each
//! aborted upload), or that repeat with each attempt to reach a server that is down:
//! nothing else would limit the growth of the log.

use concept_refinement_capability::log_throttle::{LONG_INTERVAL, LogThrottle};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The libraries whose warnings are limited, by prefix of the log target.
const LIBRARIES: [&str; 3] = ["wasmtime_wasi_http", "async_nats", "opentelemetry"];

/// Logs one warning of each library per minute.
pub struct LibraryThrottle([LogThrottle; LIBRARIES.len()]);

impl LibraryThrottle {
    pub const fn new() -> Self {
        Self([const { LogThrottle::every(LONG_INTERVAL) }; LIBRARIES.len()])
    }
}

impl<S: Subscriber> Layer<S> for LibraryThrottle {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // More verbose levels were requested by the operator.
        if *metadata.level() > Level::WARN {
            return true;
        }
        let is_of = |library: &&str| metadata.target().starts_with(*library);
        let index = LIBRARIES.iter().position(is_of);
        let throttle = index.and_then(|index| self.0.get(index));
        throttle.is_none_or(|throttle| throttle.times().is_some())
    }
}
