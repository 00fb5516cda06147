//! A backlog without a worker: however long it waits, the queue is told of it a handful
//! of times. The loop that ships, by a clock of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::intercept::{Intercepted, Interceptor, Operations as _};
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore, Tasks};
use concept_refinement_domain::capability::Submission;
use concept_refinement_domain::message::message_for;
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_host::loops::sweep::Sweep;
use concept_refinement_nats::{Address, NatsQueue};
use concept_refinement_tests::capabilities::{capabilities, signing};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::nats::NatsServer;
use concept_refinement_tests::pubsub::PubSub;
use tokio::sync::watch;

use crate::sqlite::InMemory;
use crate::tasks::{Rules, START, TaskBackend, new_task};

const TASKS: usize = 20;

/// Counts the looks for what is due next: one begins each round of the sweep.
#[derive(Default)]
struct Rounds(AtomicU64);

impl Interceptor<dyn TaskStore> for Rounds {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        inner: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        if let TaskOperation::NextDue {} = operation {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        inner.run(operation)
    }
}

/// How many messages there are 1, 10, 60 and 600 minutes since the tasks were submitted
/// and published.
async fn published(queue: Arc<dyn TaskQueue>, count: impl Fn() -> usize) -> Vec<usize> {
    let clock = Arc::new(ManualClock::at(START));
    let backend = InMemory::start(Rules::default(), clock.clone());
    let rounds = Arc::<Rounds>::default();
    let store: Arc<dyn TaskStore> =
        Arc::new(Intercepted::new(backend.store(), rounds.clone() as _));
    for user in 0..TASKS {
        let submitted = Tasks::submit(&*store, new_task(&user.to_string())).await;
        let Ok(Submission::Created(accepted)) = submitted else {
            panic!("{submitted:?}");
        };
        queue.publish(message_for(&accepted.task)).await.unwrap();
    }
    let images = Arc::new(MemoryImages::new(signing(), clock.clone()));
    let sweep = Arc::new(Sweep {
        host: Arc::new(capabilities(clock.clone(), store, images, queue)),
        runtime: Arc::new(Tokio::default()),
        // It looks so often.
        lease: Duration::from_millis(1),
    });
    let (stop, stopped) = watch::channel(false);
    let sweeping = tokio::spawn(sweep.run(stopped));
    let mut counts = Vec::new();
    let mut passed = Duration::ZERO;
    for minutes in [1, 10, 60, 10 * 60] {
        let until = Duration::from_secs(60 * minutes);
        while passed < until {
            let step = Duration::from_secs(15).max(passed / 8).min(until - passed);
            clock.advance(step);
            passed += step;
            // The one that runs may have begun before.
            let seen = rounds.0.load(Ordering::Relaxed);
            eventually("a whole round", SOON, async || {
                (rounds.0.load(Ordering::Relaxed) >= seen + 2).then_some(())
            })
            .await;
        }
        counts.push(count() / TASKS);
    }
    stop.send_replace(true);
    sweeping.await.unwrap();
    counts
}

/// The interval doubles from 15 s to an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_in_pubsub_is_told_of_less_and_less_often() {
    let server = PubSub::start();
    let (url, _) = server.topic();
    let queue = super::in_pubsub::open(&server, &url, None).await.unwrap();
    let count = || server.published().len();
    let counts = published(Arc::new(queue), count).await;
    assert_eq!(counts, [4, 7, 9, 16]);
}

/// And it is not told of at all while it holds enough of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_in_nats_is_no_longer_than_four_times_its_tasks() {
    let server = NatsServer::start();
    let queue =
        NatsQueue::open(Address::parse(&format!("{}?stream=backlog", server.url())).unwrap());
    let queue = queue.await.unwrap();
    let count = || {
        let info = server.ask("STREAM.INFO.backlog", &serde_json::json!({}));
        usize::try_from(info["state"]["messages"].as_u64().unwrap()).unwrap()
    };
    let counts = published(Arc::new(queue), count).await;
    assert_eq!(counts, [4, 4, 4, 4]);
}
