//! A clock that jumps, beside time that runs on evenly.

use concept_refinement_capability::intercept::{Intercepted, Interceptor, Operations as _};
use concept_refinement_capability::tasks::{TaskOperation, TaskReply};
use concept_refinement_domain::clock_trust::PROBATION;

use concept_refinement_capability::administration::{Act, Oversight as _};

use super::*;
use crate::loops::tests::fakes::SteppedTime;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A store with a finished task that is just young enough, whatever process runs.
struct World {
    clock: Arc<ManualClock>,
    store: Arc<SqliteTasks>,
}

/// A process that collects.
struct Process {
    time: Arc<SteppedTime>,
    stop: watch::Sender<bool>,
    collecting: tokio::task::JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
        let store = Arc::new(store);
        submit(&store, "a", None).await;
        let _ = store.withdraw("a", "No.").await.unwrap();
        Self { clock, store }
    }

    fn start(&self, confirmed_day: Option<&str>) -> Process {
        self.start_with(self.store.clone(), confirmed_day)
    }

    fn start_with(&self, store: Arc<dyn TaskStore>, confirmed_day: Option<&str>) -> Process {
        let images = Arc::<Shelf>::default();
        let capabilities = capabilities(store, images, self.clock.clone());
        let time = Arc::new(SteppedTime::new(self.clock.clone()));
        let garbage = Garbage {
            host: Arc::new(capabilities),
            administration: Some(self.store.clone()),
            runtime: time.clone(),
            retention: Some(RETENTION),
            anonymous_retention: None,
            confirmed_day: confirmed_day.map(str::to_owned),
            interval: HOUR,
        };
        let (stop, stopped) = watch::channel(false);
        Process {
            time,
            stop,
            collecting: tokio::spawn(garbage.run(stopped)),
        }
    }

    async fn is_task_there(&self) -> bool {
        self.store.get("a", "a").await.unwrap().is_some()
    }
}

/// Lets the clock jump as soon as the first round was judged.
struct JumpAfterJudgement(Mutex<Option<Arc<ManualClock>>>);

impl Interceptor<dyn TaskStore> for JumpAfterJudgement {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        inner: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        let is_judged = matches!(operation, TaskOperation::RememberRound { .. });
        Box::pin(async move {
            let reply = inner.run(operation).await;
            if is_judged && let Some(clock) = self.0.lock().take() {
                clock.advance(RETENTION * 12);
            }
            reply
        })
    }
}

impl Process {
    async fn run_on(&self, time: Duration) {
        self.time.run_on(time).await;
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.collecting.await.unwrap();
    }
}

#[tokio::test]
async fn after_a_jump_nothing_goes_for_its_age_whatever_restarts() {
    let world = World::new().await;
    let process = world.start(None);
    process.run_on(HOUR).await;
    world.clock.advance(RETENTION * 12);
    process.run_on(HOUR * 2).await;
    assert!(world.is_task_there().await, "two rounds");
    process.stop().await;
    let process = world.start(None);
    process.run_on(HOUR * 3).await;
    assert!(world.is_task_there().await, "a restart");
    process.stop().await;

    let process = world.start(None);
    process.run_on(PROBATION - HOUR * 7).await;
    assert!(world.is_task_there().await, "less than a day in all");
    process.run_on(HOUR * 5).await;
    assert!(!world.is_task_there().await, "a day of running time agreed");
    process.stop().await;
}

#[tokio::test]
async fn a_jump_right_after_a_round_was_judged_deletes_nothing() {
    let world = World::new().await;
    let jump = JumpAfterJudgement(Mutex::new(Some(world.clock.clone())));
    let store: Arc<dyn TaskStore> = world.store.clone();
    let store = Intercepted::new(store, Arc::new(jump) as _);
    let process = world.start_with(Arc::new(store), None);
    process.run_on(HOUR * 2).await;
    assert!(world.is_task_there().await);
    process.stop().await;
}

#[tokio::test]
async fn a_jump_between_two_processes_counts_too_until_it_is_confirmed() {
    for (confirmed_day, expected) in [
        (None, true),
        (Some("2026-11-20"), true),
        (Some("2027-11-20"), false),
    ] {
        let world = World::new().await;
        let process = world.start(None);
        process.run_on(HOUR).await;
        process.stop().await;
        world.clock.advance(DAY * 365);
        let process = world.start(confirmed_day);
        process.run_on(HOUR * 2).await;
        assert_eq!(world.is_task_there().await, expected, "{confirmed_day:?}");
        process.stop().await;
    }
}

#[tokio::test]
async fn a_clock_that_goes_on_evenly_lets_things_go_in_their_time() {
    let world = World::new().await;
    let process = world.start(None);
    process.run_on(RETENTION - HOUR).await;
    assert!(world.is_task_there().await);
    process.run_on(HOUR * 2).await;
    assert!(!world.is_task_there().await);
    process.stop().await;
}

#[tokio::test]
async fn what_operators_did_goes_for_its_age_by_a_clock_that_is_trusted() {
    let world = World::new().await;
    let act = Act {
        actor: "operator".to_owned(),
        reason: "a test".to_owned(),
    };
    assert!(world.store.set_paused(true, act).await.unwrap());
    let entries = async || world.store.audit(10, None).await.unwrap().len();
    let process = world.start(None);
    process.run_on(HOUR).await;
    world.clock.advance(AUDIT_RETENTION * 2);
    process.run_on(HOUR * 2).await;
    assert_eq!(entries().await, 1, "the clock jumped");
    process.stop().await;
    let process = world.start(None);
    process.run_on(PROBATION / 2).await;
    assert_eq!(entries().await, 1, "after a restart too");
    process.run_on(PROBATION).await;
    assert_eq!(entries().await, 0, "the clock has agreed for long enough");
    process.stop().await;
}
