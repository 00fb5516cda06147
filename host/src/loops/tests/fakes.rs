//! Stores for the tests of the loops. They answer at once, so that the tests
//! can run in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::ImageStore;
use concept_refinement_capability::intercept::{Intercepted, Interceptor};
use concept_refinement_capability::leader_leases::{LeaderLeases, OnlyHost};
use concept_refinement_capability::model::{ImageModel, ModelAnswer, ModelError, ModelRequest};
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_capability::tasks::{Expired, TaskOperation, TaskReply, TaskStore};
use concept_refinement_capability::traces::Traces;
use concept_refinement_capability::{Answer, Capabilities};
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_embedded::queue::StoreQueue;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

pub fn broken() -> CapabilityError {
    CapabilityError::unavailable("It is broken.")
}

pub fn refused<T>() -> Answer<'static, T> {
    Box::pin(async { Err(broken()) })
}

/// A task store that refers to no image and records calls of `expire`.
/// Everything else fails.
#[derive(Default)]
pub struct Ledger {
    /// Calls of `expire`: when, and with which time.
    pub expired: Mutex<Vec<(Instant, Timestamp)>>,
}

/// Who leads several hosts, and until when.
#[derive(Clone, Default)]
pub struct Roster(Arc<Mutex<BTreeMap<String, (u32, Instant)>>>);

/// The leader leases as one host sees them.
struct Shared {
    roster: Roster,
    host: u32,
}

struct NoModel;

/// Capabilities with these stores; the others fail.
pub fn capabilities(
    store: Arc<dyn TaskStore>,
    images: Arc<dyn ImageStore>,
    clock: Arc<ManualClock>,
) -> Capabilities {
    Capabilities {
        clock,
        images,
        queue: Arc::new(StoreQueue::new(1)),
        store,
        redeliveries: Arc::default(),
        model: Arc::new(NoModel),
        repeated_calls: Default::default(),
        model_health: Mutex::default(),
        probes: Arc::default(),
        room: Arc::default(),
        traces: Traces::default(),
        leader_leases: Arc::new(OnlyHost),
        pause: Arc::default(),
    }
}

impl ImageModel for NoModel {
    fn refine(&self, _: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(ready(Err(ModelError::Refused("There is no model.".into()))))
    }

    fn describe(&self) -> &str {
        "no model"
    }
}

impl Roster {
    /// As the host of this number sees it.
    pub fn of(&self, host: u32) -> Arc<dyn LeaderLeases> {
        Arc::new(Shared {
            roster: self.clone(),
            host,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl LeaderLeases for Shared {
    fn take<'a>(&'a self, name: &'a str, time: Duration) -> Answer<'a, bool> {
        let mut roster = self.roster.0.lock();
        let now = Instant::now();
        let free = |(holder, until): &(u32, Instant)| *holder == self.host || *until <= now;
        let is_free = roster.get(name).is_none_or(free);
        if is_free {
            roster.insert(name.to_owned(), (self.host, now + time));
        }
        Box::pin(ready(Ok(is_free)))
    }

    fn release<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        let mut roster = self.roster.0.lock();
        if roster
            .get(name)
            .is_some_and(|(holder, _)| *holder == self.host)
        {
            roster.remove(name);
        }
        Box::pin(ready(Ok(())))
    }
}

impl Ledger {
    pub fn store(self: &Arc<Self>) -> Arc<dyn TaskStore> {
        intercepted(self.clone())
    }
}

/// A store of which an interceptor answers all that it is asked.
pub fn intercepted(interceptor: Arc<dyn Interceptor<dyn TaskStore>>) -> Arc<dyn TaskStore> {
    let clock = Arc::<ManualClock>::default();
    let store = SqliteTasks::in_memory(Options::default(), clock).unwrap();
    let store: Arc<dyn TaskStore> = Arc::new(store);
    Arc::new(Intercepted::new(store, interceptor))
}

impl Interceptor<dyn TaskStore> for Ledger {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        _: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        let reply = match operation {
            TaskOperation::Unreferenced { image_paths } => image_paths.into(),
            TaskOperation::Expire { before, .. } => {
                self.expired.lock().push((Instant::now(), before));
                Expired::default().into()
            }
            TaskOperation::LastRound {} => None::<LastRound>.into(),
            TaskOperation::RememberRound { .. } => ().into(),
            _ => return refused(),
        };
        Box::pin(ready(Ok(reply)))
    }
}

/// Time that a test moves on, together with a clock, from one sleep of a loop to
/// the next. Of one loop: it waits until that sleeps.
pub struct SteppedTime {
    clock: Arc<ManualClock>,
    moment: watch::Sender<Moment>,
}

#[derive(Clone, Copy, Default)]
struct Moment {
    elapsed: Duration,
    /// Until when the loop sleeps; in the past while it works.
    sleeps_until: Duration,
}

impl SteppedTime {
    pub fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            moment: watch::Sender::default(),
        }
    }

    pub async fn run_on(&self, time: Duration) {
        let end = self.elapsed() + time;
        loop {
            let mut moment = self.moment.subscribe();
            let asleep = moment.wait_for(|moment| moment.sleeps_until > moment.elapsed);
            let until = asleep.await.unwrap().sleeps_until.min(end);
            let by = until.saturating_sub(self.elapsed());
            self.clock.advance(by);
            self.moment.send_modify(|moment| moment.elapsed = until);
            if until == end && self.moment.borrow().sleeps_until > end {
                return;
            }
        }
    }
}

impl Runtime for SteppedTime {
    fn elapsed(&self) -> Duration {
        self.moment.borrow().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.elapsed() + duration;
        self.moment
            .send_modify(|moment| moment.sleeps_until = until);
        let mut moment = self.moment.subscribe();
        Box::pin(async move {
            let _ = moment.wait_for(|moment| moment.elapsed >= until).await;
        })
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        work
    }
}
