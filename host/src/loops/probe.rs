//! Probes the capabilities in the background, so that readiness requests need not.
//!
//! A change is noticed within 10 s, and within a second after a failed call or while
//! something is wrong.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::runtime::Runtime;

/// Interval of probes while everything works.
const INTERVAL: Duration = Duration::from_secs(10);

/// Minimum interval of probes.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// Probes the capabilities of one host for ever, starting at once. `runtime`: for timers.
pub async fn run(host: Arc<Capabilities>, runtime: Arc<dyn Runtime>) {
    loop {
        let states = host.probe(&*runtime).await;
        let all_is_well = states.iter().all(|state| state.problem.is_none());
        host.probes.found(states);
        runtime.sleep(SHORTEST_INTERVAL).await;
        if all_is_well {
            tokio::select! {
                () = host.probes.failure() => {}
                () = runtime.sleep(INTERVAL - SHORTEST_INTERVAL) => {}
            }
        }
    }
}
