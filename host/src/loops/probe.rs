//! Probes the capabilities, so that readiness can be answered without asking them.
//!
//! A change is known after 10 s, and after a second where a call failed or
//! something was wrong.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::runtime::Runtime;
use tokio::sync::watch;

use crate::loops::until_stop::until_stop;

/// Between two probes while all is well.
const INTERVAL: Duration = Duration::from_secs(10);

/// Between two probes at least.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The probing of one host.
pub struct Probe {
    /// What is probed.
    pub host: Arc<Capabilities>,
    /// What it waits by.
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
