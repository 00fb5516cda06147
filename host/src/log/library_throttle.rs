//! Limits warnings of libraries: clients can cause some of them at will (one for each
//! unsolicited frame, or for each aborted upload), and others repeat with each attempt to
//! reach a server that is down. Nothing else would limit the growth of the log.

use std::collections::BTreeMap;

use concept_refinement_capability::log_throttle::{LONG_INTERVAL, LogThrottle};
use parking_lot::Mutex;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The prefix of our own crates' names; these crates limit their log lines
/// themselves.
const OWN: &str = "concept_refinement";

/// Logs one warning of each library per minute.
#[derive(Default)]
pub struct LibraryThrottle(Mutex<BTreeMap<&'static str, LogThrottle>>);

impl<S: Subscriber> Layer<S> for LibraryThrottle {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let target = metadata.target();
        // More verbose levels were requested by the operator.
        if *metadata.level() > Level::WARN || target.starts_with(OWN) {
            return true;
        }
        let library = target
            .split_once("::")
            .map_or(target, |(library, _)| library);
        let mut libraries = self.0.lock();
        let throttle = libraries
            .entry(library)
            .or_insert_with(|| LogThrottle::every(LONG_INTERVAL));
        throttle.times().is_some()
    }
}
