//! All capabilities of one host.

use std::sync::{Arc, Mutex, PoisonError};

use concept_refinement_domain::capability::CapabilityState;

use super::clock::Clock;
use super::concepts::Concepts;
use super::health::ModelHealth;
use super::images::ImageStore;
use super::model::ImageModel;
use super::queue::TaskQueue;
use super::room::Room;
use super::tasks::{Leases, Maintenance, TaskStore, Tasks};

/// What the components are granted, and the loops work on.
pub struct Capabilities {
    /// By which leases, quotas and signed URLs go.
    pub clock: Arc<dyn Clock>,
    /// Tasks and concepts, of which everybody is given a view of their own.
    pub store: Arc<dyn TaskStore>,
    /// Uploads and refined images.
    pub images: Arc<dyn ImageStore>,
    /// Messages that point to tasks.
    pub queue: Arc<dyn TaskQueue>,
    /// What refines.
    pub model: Arc<dyn ImageModel>,
    /// How its last calls went.
    pub model_health: Mutex<ModelHealth>,
    /// What the images may take, and what takes it.
    pub room: Arc<Room>,
}

impl Capabilities {
    /// For the API.
    pub fn tasks(&self) -> &dyn Tasks {
        &*self.store
    }

    /// For the API.
    pub fn concepts(&self) -> &dyn Concepts {
        &*self.store
    }

    /// For a worker.
    pub fn leases(&self) -> &dyn Leases {
        &*self.store
    }

    /// For the sweep, the garbage collection and the metrics.
    pub fn maintenance(&self) -> &dyn Maintenance {
        &*self.store
    }

    /// Checks each capability, in the order of the contract.
    pub async fn check(&self) -> Vec<CapabilityState> {
        let (tasks, queue, images) = tokio::join!(
            self.maintenance().check(),
            self.queue.check(),
            self.images.check()
        );
        let model = {
            let health = self.model_health.lock();
            let health = health.unwrap_or_else(PoisonError::into_inner);
            health.problem(self.clock.now())
        };
        [
            ("tasks", tasks.err().map(|error| error.message)),
            ("queue", queue.err().map(|error| error.message)),
            ("images", images.err().map(|error| error.message)),
            ("model", model),
        ]
        .into_iter()
        .map(|(name, problem)| CapabilityState {
            name: name.to_owned(),
            problem,
        })
        .collect()
    }

    /// Records the outcome of a call of the model.
    pub fn model_called(&self, worked: bool) {
        let mut health = self
            .model_health
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match worked {
            true => health.succeeded(self.clock.now()),
            false => health.failed(self.clock.now()),
        }
    }
}
