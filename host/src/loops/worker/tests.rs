//! What a worker makes of deliveries, with a processor that follows a script.

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::Signing;
use concept_refinement_capability::processor::LastStage;
use concept_refinement_capability::queue::Receipt;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::{Leases as _, Options, Tasks as _};
use concept_refinement_domain::task::{Stage, Status};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_embedded::tasks::SqliteTasks;
use concept_refinement_kit::samples::new_task;
use futures::FutureExt as _;
use futures::future::ready;
use parking_lot::Mutex;

use super::*;
use crate::loops::tests::fakes::capabilities;

const LEASE: Duration = Duration::from_millis(300);

/// Remembers what it was given, and answers; or works for ever, in this stage.
struct Script {
    given: Mutex<Vec<Claimed>>,
    works_in: Option<Stage>,
}

impl Processor for Script {
    fn start(&self, claimed: Claimed, _: Attempt, _: Slot) -> Run {
        self.given.lock().push(claimed);
        let stage = LastStage::default();
        Run {
            outcome: match self.works_in {
                None => Box::pin(ready(Ok(Outcome::Done))),
                Some(works_in) => {
                    stage.set(works_in);
                    Box::pin(pending())
                }
            },
            stage,
            retry_later: Default::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Ack,
    Nack(Duration),
}

/// Remembers the answer.
struct Answers(Arc<Mutex<Option<Answer>>>);

impl Receipt for Answers {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        *self.0.lock() = Some(Answer::Ack);
        ready(()).boxed()
    }

    fn nack(self: Box<Self>, delay: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        *self.0.lock() = Some(Answer::Nack(delay));
        ready(()).boxed()
    }
}

struct World {
    worker: Worker,
    store: Arc<SqliteTasks>,
    clock: Arc<ManualClock>,
    processor: Arc<Script>,
    task: Task,
}

impl World {
    async fn new(works_in: Option<Stage>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_176_000)));
        let options = Options {
            lease: LEASE,
            ..Options::default()
        };
        let store = Arc::new(SqliteTasks::in_memory(options, clock.clone()).unwrap());
        let new = new_task("ada");
        let id = new.id.clone();
        store.submit(new).await.unwrap();
        let signing = Signing {
            key: vec![],
            ttl: LEASE,
            public_url: None,
        };
        let images = Arc::new(MemoryImages::new(signing, clock.clone()));
        let processor = Arc::new(Script {
            given: Mutex::default(),
            works_in,
        });
        Self {
            worker: Worker {
                host: Arc::new(capabilities(store.clone(), images, clock.clone())),
                processor: processor.clone(),
                runtime: Arc::new(Tokio::default()),
                slots: Slots::new(1, 0),
                receivers: 1,
                task_timeout: Duration::from_secs(60),
                in_flight: InFlight::default(),
                pending_releases: PendingReleases::default(),
                metrics: None,
            },
            task: store.get("ada", &id).await.unwrap().unwrap(),
            store,
            clock,
            processor,
        }
    }

    fn named(&self) -> Work {
        let (task_id, user_id) = (self.task.id.clone(), self.task.user_id.clone());
        Work::Message(Parsed::Valid { task_id, user_id })
    }

    async fn claim(&self) -> Claimed {
        let claimed = self.store.claim(&self.task.id, None).await;
        claimed.unwrap().unwrap()
    }

    async fn work(&self, work: Work) -> Outcome {
        let mut held = None;
        let processed = self.worker.process(work, &mut held, Slot::default());
        processed.await.unwrap()
    }

    /// How the delivery of this work is answered.
    async fn answer(&self, work: Work) -> Answer {
        self.answer_until(work, CancellationToken::new()).await
    }

    async fn answer_until(&self, work: Work, abort: CancellationToken) -> Answer {
        let answer = Arc::default();
        let delivery = Delivery::new(work, Box::new(Answers(Arc::clone(&answer))));
        self.worker.work(delivery, abort, Slot::default()).await;
        let answer = answer.lock().take();
        answer.unwrap()
    }

    /// What the processor is given, once it is.
    async fn given(&self) -> Claimed {
        loop {
            if let Some(given) = self.processor.given.lock().pop() {
                return given;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn status(&self) -> Status {
        let task = self.store.get("ada", &self.task.id).await.unwrap();
        task.unwrap().status
    }
}

#[tokio::test]
async fn a_message_names_a_task_or_is_rejected() {
    let unusable = |task_id: Option<&str>, user_id: Option<&str>| {
        Work::Message(Parsed::Unusable {
            task_id: task_id.map(str::to_owned),
            user_id: user_id.map(str::to_owned),
        })
    };
    let rejected = Outcome::Rejected(MISSING_PROMPT_OR_URL.to_owned());
    let world = World::new(None).await;
    let id = world.task.id.clone();
    let other = Work::Message(Parsed::Valid {
        task_id: id.clone(),
        user_id: "grace".to_owned(),
    });
    let nonsense = Work::Message(Parsed::Nonsense);
    for (name, work, outcome, status) in [
        ("nonsense", nonsense, rejected.clone(), Status::Pending),
        (
            "no task",
            unusable(None, None),
            rejected.clone(),
            Status::Pending,
        ),
        ("another user", other, Outcome::Skipped, Status::Pending),
        (
            "another user, unusable",
            unusable(Some(&id), Some("grace")),
            Outcome::Skipped,
            Status::Pending,
        ),
        (
            "unusable",
            unusable(Some(&id), None),
            rejected.clone(),
            Status::Failed,
        ),
        ("ended", world.named(), Outcome::Skipped, Status::Failed),
    ] {
        assert_eq!(world.work(work).await, outcome, "{name}");
        assert_eq!(world.status().await, status, "{name}");
    }
    assert!(world.processor.given.lock().is_empty());
    let world = World::new(None).await;
    assert_eq!(world.work(world.named()).await, Outcome::Done);
    assert_eq!(world.processor.given.lock().len(), 1);
}

/// The worker counts the time of its lease from now.
#[tokio::test]
async fn a_claim_that_waited_is_renewed_before_it_is_worked_on() {
    for (name, waited, is_renewed) in [("at once", 0, false), ("late", 200, true)] {
        let world = World::new(None).await;
        let claimed = world.claim().await;
        let until = claimed.lease.until;
        world.clock.advance(Duration::from_millis(waited));
        let outcome = world.work(Work::Claimed(Box::new(claimed))).await;
        assert_eq!(outcome, Outcome::Done, "{name}");
        let given = world.processor.given.lock().pop().unwrap();
        assert_eq!(given.lease.until > until, is_renewed, "{name}");
    }
    let world = World::new(None).await;
    let claimed = world.claim().await;
    world.clock.advance(LEASE * 2);
    let others = world.claim().await;
    let outcome = world.work(Work::Claimed(Box::new(claimed))).await;
    assert_eq!(outcome, Outcome::Skipped, "it is another worker's");
    assert_eq!(others.lease.attempt, 2);
    assert!(world.processor.given.lock().is_empty());
}

#[tokio::test]
async fn a_run_is_dropped_when_its_lease_is_lost_unless_it_stores() {
    let world = World::new(Some(Stage::Refining)).await;
    let lose = async {
        let given = world.given().await;
        assert_eq!(world.store.release(&given.lease).await, Ok(Fenced::Done));
    };
    let (outcome, ()) = futures::join!(world.work(world.named()), lose);
    assert_eq!(outcome, Outcome::Skipped);

    let world = World::new(Some(Stage::StoringImage)).await;
    let claimed = world.claim().await;
    let held = claimed.lease.clone();
    assert_eq!(world.store.release(&held).await, Ok(Fenced::Done));
    let work = world.work(Work::Claimed(Box::new(claimed)));
    assert!(tokio::time::timeout(LEASE, work).await.is_err());
}

/// Its lease may run out although it lives: see `in_flight`.
#[tokio::test]
async fn a_worker_takes_no_task_over_from_itself() {
    for is_claimed in [false, true] {
        let world = World::new(Some(Stage::Refining)).await;
        let first = match is_claimed {
            true => Work::Claimed(Box::new(world.claim().await)),
            false => world.named(),
        };
        let again = async {
            let given = world.given().await;
            assert_eq!(world.answer(world.named()).await, Answer::Ack);
            world.clock.advance(LEASE * 2);
            let answer = world.answer(world.named()).await;
            assert_eq!(
                answer,
                Answer::Nack(REDELIVERY_DELAY),
                "claimed: {is_claimed}"
            );
            assert_eq!(world.store.release(&given.lease).await, Ok(Fenced::Done));
        };
        let (answer, ()) = futures::join!(world.answer(first), again);
        assert_eq!(answer, Answer::Ack);
        let work = world.answer(world.named());
        assert!(
            tokio::time::timeout(LEASE, work).await.is_err(),
            "it is worked on again"
        );
    }
}

/// At once, since this worker takes no more.
#[tokio::test]
async fn what_is_aborted_goes_to_another_worker() {
    let world = World::new(Some(Stage::Refining)).await;
    let abort = CancellationToken::new();
    let stop = async {
        world.given().await;
        abort.cancel();
    };
    let work = world.answer_until(world.named(), abort.clone());
    let (answer, ()) = futures::join!(work, stop);
    assert_eq!(answer, Answer::Nack(Duration::ZERO));
    assert_eq!(world.status().await, Status::Pending);
}
