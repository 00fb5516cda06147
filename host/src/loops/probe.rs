//! Probes the capabilities in the background, so that readiness requests need not.
//!
//! A change is noticed within 10 s, and within a second after a failed call or while
//! something is wrong.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::runtime::Runtime;
use tokio::sync::watch;

use crate::loops::until_stop::until_stop;

/// Interval of probes while everything works.
const INTERVAL: Duration = Duration::from_secs(10);

/// Minimum interval of probes.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The background probe of one host.
pub struct Probe {
    /// The capabilities to probe.
    pub host: Arc<Capabilities>,
    /// Used for timers.
    pub runtime: Arc<dyn Runtime>,
}

impl Probe {
    /// Probes until `stop` is set, starting at once.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        until_stop(stop, self.rounds()).await;
    }

    async fn rounds(&self) {
        loop {
            let states = self.host.probe(&*self.runtime).await;
            let all_is_well = states.iter().all(|state| state.problem.is_none());
            self.host.probes.found(states);
            self.runtime.sleep(SHORTEST_INTERVAL).await;
            if all_is_well {
                tokio::select! {
                    () = self.host.probes.failure() => {}
                    () = self.runtime.sleep(INTERVAL - SHORTEST_INTERVAL) => {}
                }
            }
        }
    }
}
