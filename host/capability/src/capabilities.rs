//! All capabilities of one host.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, CapabilityState, Claimed};
use concept_refinement_domain::erasure;
use concept_refinement_domain::sentence::{DISK_AT_RESERVE, QUEUE_PAUSED};
use futures::future::try_join_all;
use parking_lot::Mutex;

use super::Answer;
use super::clock::Clock;
use super::concepts::Concepts;
use super::health::{ModelHealth, Probes, Requester, Verdict};
use super::images::ImageStore;
use super::intercept::{Intercepted, Interceptor};
use super::leader_leases::LeaderLeases;
use super::model::ImageModel;
use super::pause::Pause;
use super::payments::{Payments, RepeatedCalls};
use super::queue::TaskQueue;
use super::room::{NoRoom, Room};
use super::tasks::{Leases, Maintenance, TaskStore, Tasks};
use super::traces::{Attempt, Traces};
use super::webhooks::Webhooks;
use super::webhooks::redeliveries::Redeliveries;
use crate::runtime::{Runtime, Tokio};

/// A store that takes longer to answer cannot be used.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Images that are deleted concurrently when a user is erased.
const DELETED_AT_ONCE: usize = 8;

/// The capabilities that components are granted and that the loops use.
pub struct Capabilities {
    /// The clock that leases, quotas and signed URLs use.
    pub clock: Arc<dyn Clock>,
    /// Tasks and concepts. Each user of it gets a trait with only what it needs.
    pub store: Arc<dyn TaskStore>,
    /// Uploads and refined images.
    pub images: Arc<dyn ImageStore>,
    /// Messages that point to tasks.
    pub queue: Arc<dyn TaskQueue>,
    /// Limits how often users may request that a webhook be delivered again.
    pub redeliveries: Arc<Redeliveries>,
    /// The model that refines images.
    pub model: Arc<dyn ImageModel>,
    /// Counts model calls that may have to be paid for twice.
    pub repeated_calls: Arc<RepeatedCalls>,
    /// Health of the model, judged by its last calls.
    pub model_health: Mutex<ModelHealth>,
    /// The last known states of the stores.
    pub probes: Arc<Probes>,
    /// Whether an operator has paused the queue.
    pub pause: Arc<Pause>,
    /// Space for images: its limits and its use.
    pub room: Arc<Room>,
    /// The tracer for spans of requests and tasks.
    pub traces: Traces,
    /// The leases of work that this host does for all hosts of its store.
    pub leader_leases: Arc<dyn LeaderLeases>,
}

impl Capabilities {
    /// The same capabilities, with every store operation going through this interceptor.
    pub fn behind<I>(self, interceptor: Arc<I>) -> Self
    where
        I: Interceptor<dyn TaskStore> + Interceptor<dyn ImageStore> + Interceptor<dyn TaskQueue>,
        I: 'static,
    {
        Self {
            store: Arc::new(Intercepted::new(self.store, Arc::clone(&interceptor) as _)),
            images: Arc::new(Intercepted::new(self.images, Arc::clone(&interceptor) as _)),
            queue: Arc::new(Intercepted::new(self.queue, interceptor)),
            ..self
        }
    }

    /// For the API.
    pub fn tasks(&self) -> &dyn Tasks {
        &*self.store
    }

    /// Erases a user: tasks, concepts, images and whatever else is stored about them. See
    /// [`erasure::erase`].
    pub async fn erase_user(&self, user_id: &str) -> Result<(), CapabilityError> {
        let delete = |paths: Vec<String>| async move {
            for paths in paths.chunks(DELETED_AT_ONCE) {
                try_join_all(paths.iter().map(|path| self.images.delete(path))).await?;
            }
            Ok(())
        };
        erasure::erase(
            || self.concepts().list(user_id, erasure::STEP, None),
            || self.tasks().erase_user(user_id, erasure::STEP),
            delete,
            || self.images.delete_uploads(user_id, erasure::STEP),
        )
        .await
    }

    /// For the API.
    pub fn concepts(&self) -> &dyn Concepts {
        &*self.store
    }

    /// For the API and the deliverer.
    pub fn webhooks(&self) -> &dyn Webhooks {
        &*self.store
    }

    /// For a worker.
    pub fn leases(&self) -> &dyn Leases {
        &*self.store
    }

    /// Counts the paid model calls of a task, for the worker that claimed it, as part of
    /// this attempt.
    pub fn payments(
        &self,
        claimed: &Claimed,
        runtime: Arc<dyn Runtime>,
        attempt: Attempt,
    ) -> Payments {
        let repeated = Arc::clone(&self.repeated_calls);
        Payments::of(Arc::clone(&self.store), claimed, repeated, runtime, attempt)
    }

    /// For the sweep, the garbage collection and the metrics.
    pub fn maintenance(&self) -> &dyn Maintenance {
        &*self.store
    }

    /// The state of each capability, in the order of the API's answer: the stores as they
    /// were last probed, the model as it is now.
    pub async fn health(&self) -> Vec<CapabilityState> {
        let mut states = match self.probes.states() {
            Some(states) => states,
            None => self.probe(&Tokio::default()).await,
        };
        let lacks_room = || {
            let room = self.room.lacks_for_task().map(NoRoom::sentence);
            // A store on another machine has a disk that only it sees.
            let has_refused = self.probes.has_refused_for_room(self.clock.now());
            room.or(has_refused.then_some(DISK_AT_RESERVE))
        };
        for state in states.iter_mut().filter(|state| state.problem.is_none()) {
            let problem = match state.name.as_str() {
                "queue" => self.pause.is_set().then_some(QUEUE_PAUSED),
                "tasks" => lacks_room(),
                _ => None,
            };
            state.problem = problem.map(str::to_owned);
        }
        let model = self.model_health.lock().problem(self.clock.now());
        states.push(CapabilityState {
            name: "model".to_owned(),
            problem: model,
        });
        states
    }

    /// Probes the stores, which writes to them.
    pub async fn probe(&self, runtime: &dyn Runtime) -> Vec<CapabilityState> {
        let within = async |name: &str, probe: Answer<'_, ()>| {
            let problem = tokio::select! {
                biased;
                probed = probe => probed.err().map(|error| error.message),
                () = runtime.sleep(PROBE_TIMEOUT) => Some("It does not answer in time.".to_owned()),
            };
            CapabilityState {
                name: name.to_owned(),
                problem,
            }
        };
        let (tasks, queue, images) = tokio::join!(
            within("tasks", self.maintenance().check()),
            within("queue", self.queue.check()),
            within("images", self.images.check())
        );
        vec![tasks, queue, images]
    }

    /// Records what the result of a model call says about the model's health.
    pub fn model_called(&self, verdict: Verdict, requester: Requester) {
        let now = self.clock.now();
        self.model_health.lock().called(verdict, requester, now);
    }
}
