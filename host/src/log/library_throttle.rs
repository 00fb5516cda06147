//! Limits warnings of libraries that a client can cause at will: one for each
//! upload that is broken off, and nothing else would limit how fast a log grows.

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::log_throttle::{LONG_INTERVAL, LogThrottle};

/// Whose warnings are limited, by the beginning of the target.
const LIBRARY: &str = "wasmtime_wasi_http";

/// Logs one warning of these a minute.
pub struct LibraryThrottle(LogThrottle);

impl LibraryThrottle {
    pub const fn new() -> Self {
        Self(LogThrottle::every(LONG_INTERVAL))
    }
}

impl<S: Subscriber> Layer<S> for LibraryThrottle {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // What is more verbose was asked for.
        let is_limited = *metadata.level() <= Level::WARN && metadata.target().starts_with(LIBRARY);
        !is_limited || self.0.times().is_some()
    }
}
