//! What a process is given of the world, by the host's own traits: calls that
//! can be cut off at each point.

mod images;
mod model;
mod notifier;
mod outside;
mod runtime;
mod stores;

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use concept_refinement_capability::intercept::Intercepted;
use concept_refinement_capability::payments::{Prices, Repeat, RepeatedCalls};
use concept_refinement_capability::processor::{LastStage, Processor, Run};
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::slots::Slot;
use concept_refinement_capability::tasks::TaskStore;
use concept_refinement_capability::traces::Attempt;
use concept_refinement_capability::{Answer, Capabilities, Clock};
use concept_refinement_domain::capability::{CapabilityError, Claimed, Lease};
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_tests::capabilities::capabilities;
use concept_refinement_tests::native::Native;
use futures::future::BoxFuture;
use send_wrapper::SendWrapper;

use crate::faults::Side;
use crate::model::LINK;
use crate::oracle::spending::PRICE;
use crate::process::Process;
use crate::settings::Mode;
use crate::world::World;

/// A run has one of its own. A whole simulation is on one thread.
#[derive(Clone)]
pub struct Environment {
    world: SendWrapper<Rc<World>>,
    process: SendWrapper<Rc<Process>>,
    /// The claim that is worked on.
    held: Option<Lease>,
}

impl Environment {
    pub fn new(world: &Rc<World>, process: &Rc<Process>) -> Self {
        Self {
            world: SendWrapper::new(Rc::clone(world)),
            process: SendWrapper::new(Rc::clone(process)),
            held: None,
        }
    }

    pub fn store(&self) -> Arc<dyn TaskStore> {
        let store = Arc::clone(&self.world.store.inner);
        Arc::new(Intercepted::new(store, Arc::new(self.clone())))
    }

    pub fn capabilities(&self, queue: Arc<dyn TaskQueue>) -> Arc<Capabilities> {
        self.capabilities_by(Arc::new(self.clone()), queue)
    }

    /// The same, by the store's clock, as the host has it.
    pub fn capabilities_by_store(&self, queue: Arc<dyn TaskQueue>) -> Arc<Capabilities> {
        self.capabilities_by(Arc::new(StoreClock(self.world.clone())), queue)
    }

    fn capabilities_by(
        &self,
        clock: Arc<dyn Clock>,
        queue: Arc<dyn TaskQueue>,
    ) -> Arc<Capabilities> {
        let own = Arc::new(self.clone());
        let queue = Arc::new(Intercepted::new(queue, own.clone()));
        let prices = Prices::from([(LINK.to_owned(), PRICE)]);
        Arc::new(Capabilities {
            model: own.clone(),
            repeated_calls: Arc::new(RepeatedCalls::new(Repeat::Unknown, [], prices)),
            ..capabilities(clock, self.store(), own, queue)
        })
    }

    fn call<'a, T: Debug + 'a>(
        &'a self,
        name: &'static str,
        task: impl Into<String>,
        effect: impl FnOnce(&World) -> Result<T, CapabilityError> + 'a,
    ) -> Answer<'a, T> {
        let task = task.into();
        local(async move {
            let effect = || effect(&self.world);
            self.world.call(&self.process, name, &task, effect).await
        })
    }

    async fn point(&self, name: &str, side: Side) -> Result<(), CapabilityError> {
        let task = self.task();
        self.world.point(&self.process, name, &task, side).await
    }

    /// The task that is worked on, if any.
    fn task(&self) -> String {
        self.held
            .as_ref()
            .map_or_else(String::new, |lease| lease.task_id.clone())
    }
}

/// A future of the simulation's only thread, where another could be on any.
fn local<'a, T>(work: impl Future<Output = T> + 'a) -> BoxFuture<'a, T> {
    Box::pin(SendWrapper::new(work))
}

impl Clock for Environment {
    fn now(&self) -> Timestamp {
        self.process.now(&self.world)
    }
}

struct StoreClock(SendWrapper<Rc<World>>);

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.0.store.now()
    }
}

impl Processor for Environment {
    fn start(&self, claimed: Claimed, _: Attempt, _: Slot) -> Run {
        let own = Self {
            held: Some(claimed.lease.clone()),
            ..self.clone()
        };
        let host = own.capabilities(Arc::new(own.world.queue.clone()));
        let native = Native::new(host, Arc::new(own.clone()), own.clone());
        let mut run = native.run(Arc::clone(&own.world.config), claimed);
        if self.world.settings.mode == Mode::Distributed {
            // A process is not told of what another one deleted.
            run.stage = LastStage::default();
            run.stage.set(Stage::StoringConcept);
        }
        let present = Present::of(&self.process);
        run.outcome = local(async move {
            let _present = present;
            let outcome = run.outcome.await;
            own.world.note(format_args!("{} {outcome:?}", *own.process));
            outcome
        });
        run
    }
}

/// A run that is not over.
struct Present(Rc<Process>);

impl Present {
    fn of(process: &Rc<Process>) -> Self {
        process.in_flight.set(process.in_flight.get() + 1);
        Self(Rc::clone(process))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
    }
}
