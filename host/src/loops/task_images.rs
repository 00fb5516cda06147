//! Removes the uploads that belong to one task when it has ended.
//!
//! The pipeline and the API remove them themselves; what they could not remove, because their
//! process ended first, goes here. An upload is kept while its task is pending or processing,
//! however old it is, and so is every upload that belongs to no task.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::clock::before;
use concept_refinement_capability::images::Listed;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use concept_refinement_domain::task_image::task_of_path;
use tokio::sync::watch;

use crate::loops::unreferenced;
use crate::loops::until_stop::until_stop;

/// Longest interval of rounds: with [`MIN_AGE`], an upload goes within the hour.
const INTERVAL: Duration = Duration::from_secs(15 * 60);

/// Uploads come before the task that they belong to, one after the other and perhaps slowly:
/// until this age the task may still be created.
const MIN_AGE: Duration = Duration::from_secs(30 * 60);

/// The lease that one host has at a time.
const LEASE_NAME: &str = "task images";

/// The collector of one host.
pub struct TaskImages {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// Used for timers.
    pub runtime: Arc<dyn Runtime>,
    /// How often the operator wants images to be collected; it is done at least every
    /// quarter of an hour.
    pub interval: Duration,
}

impl TaskImages {
    /// Collects until `stop` is set. Starts at once, since a crash may have left some.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        until_stop(stop, self.rounds()).await;
        // If this fails, another host takes over once the lease expires.
        let _ = self.host.leader_leases.release(LEASE_NAME).await;
    }

    async fn rounds(&self) {
        let interval = self.interval.min(INTERVAL);
        loop {
            let round = async {
                // Until after this host's next round.
                let term = interval.saturating_add(INTERVAL);
                match self.host.leader_leases.take(LEASE_NAME, term).await? {
                    true => self.remove().await,
                    false => Ok(0),
                }
            };
            match round.await {
                Ok(0) => {}
                Ok(images) => tracing::info!(images, "removed uploads of tasks that have ended"),
                Err(error) => log_throttled!(
                    error every minute,
                    "uploads of tasks that have ended cannot be removed",
                    %error
                ),
            }
            self.runtime.sleep(interval).await;
        }
    }

    /// Returns how many were removed.
    async fn remove(&self) -> Result<u64, CapabilityError> {
        let age = before(self.host.clock.now(), MIN_AGE);
        let is_due = |image: &Listed| image.created_at < age && task_of_path(&image.path).is_some();
        unreferenced::remove(&self.host, &*self.runtime, ImageKind::Upload, is_due).await
    }
}

#[cfg(test)]
mod tests;
