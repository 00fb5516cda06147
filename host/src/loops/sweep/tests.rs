//! The sweep over stores that do nothing, or fail.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::Signing;
use concept_refinement_capability::intercept::Interceptor;
use concept_refinement_capability::queue::{Delivery, TaskQueue};
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::{Tally, TaskOperation, TaskReply, TaskStore};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_kit::samples::new_task;
use futures::future::ready;
use parking_lot::Mutex;
use tokio::time::sleep;

use super::*;
use crate::loops::tests::fakes::{Ledger, Roster, capabilities, intercepted, refused};

const LEASE: Duration = Duration::from_secs(1);

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Until what is answered is dropped.
    fn collect(&self) -> tracing::subscriber::DefaultGuard {
        let written = self.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || written.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0.lock().write(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sweep(store: Arc<dyn TaskStore>, clock: Arc<ManualClock>) -> Sweep {
    let signing = Signing {
        key: vec![],
        ttl: Duration::from_secs(1),
        public_url: None,
    };
    let images = Arc::new(MemoryImages::new(signing, clock.clone()));
    Sweep {
        host: Arc::new(capabilities(store, images, clock)),
        runtime: Arc::new(Tokio::default()),
        lease: LEASE,
    }
}

/// A store with nothing to do, which counts how often it was asked for it.
#[derive(Default)]
struct Idle(AtomicUsize);

impl Idle {
    fn store(self: &Arc<Self>) -> Arc<dyn TaskStore> {
        intercepted(self.clone())
    }

    fn looks(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Interceptor<dyn TaskStore> for Idle {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        _: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        let reply = match operation {
            TaskOperation::Due { .. } => {
                self.0.fetch_add(1, Ordering::Relaxed);
                Vec::<Task>::new().into()
            }
            TaskOperation::NextDue {} | TaskOperation::NextDeadline {} => None::<Timestamp>.into(),
            TaskOperation::MissDeadlines { .. } => 0.into(),
            _ => return refused(),
        };
        Box::pin(ready(Ok(reply)))
    }
}

/// A store with the same tasks always due, and a queue that takes none of them.
struct Backlog;

impl Interceptor<dyn TaskStore> for Backlog {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        _: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        let reply = match operation {
            TaskOperation::Due { .. } => vec![new_task("a").created(Timestamp(0)); 20].into(),
            TaskOperation::NextDue {} => Some(Timestamp(0)).into(),
            TaskOperation::NextDeadline {} => None::<Timestamp>.into(),
            TaskOperation::MissDeadlines { .. } => 0.into(),
            TaskOperation::Tally {} => Tally {
                pending: 20,
                ..Tally::default()
            }
            .into(),
            _ => return refused(),
        };
        Box::pin(ready(Ok(reply)))
    }
}

/// None: it is away.
struct Queue {
    length: Option<Option<u64>>,
    published: AtomicUsize,
}

impl Queue {
    fn of(length: Option<Option<u64>>) -> Arc<Self> {
        let published = AtomicUsize::default();
        Arc::new(Self { length, published })
    }
}

impl TaskQueue for Queue {
    fn publish(&self, _: Vec<u8>) -> Answer<'_, ()> {
        self.published.fetch_add(1, Ordering::Relaxed);
        refused()
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        refused()
    }

    fn check(&self) -> Answer<'_, ()> {
        refused()
    }

    fn length(&self) -> Answer<'_, Option<u64>> {
        match self.length {
            Some(length) => Box::pin(ready(Ok(length))),
            None => refused(),
        }
    }
}

/// In virtual time; the log throttle uses real time.
#[tokio::test(start_paused = true)]
async fn a_queue_is_told_of_a_backlog_while_it_has_room_for_it() {
    let log = Log::default();
    let _logging = log.collect();
    for (name, length, is_told) in [
        ("empty", Some(Some(0)), true),
        ("nearly enough", Some(Some(79)), true),
        ("enough", Some(Some(80)), false),
        ("of a length that it does not tell", Some(None), true),
        ("away, or full", None, false),
    ] {
        let queue = Queue::of(length);
        let mut sweep = sweep(intercepted(Arc::new(Backlog)), Arc::default());
        if let Some(capabilities) = Arc::get_mut(&mut sweep.host) {
            capabilities.queue = queue.clone();
        }
        let (stop, stopped) = watch::channel(false);
        let sweeping = tokio::spawn(Arc::new(sweep).run(stopped));
        sleep(Duration::from_secs(10)).await;
        stop.send_replace(true);
        sweeping.await.unwrap();
        let published = queue.published.load(Ordering::Relaxed);
        assert_eq!(published > 0, is_told, "{name}: {published}");
    }
    let log = log.text();
    let lines = log.matches("could not be published again").count();
    // None if the same was told in another test just before: the throttle is the process's.
    assert!(lines <= 1, "{log}");
}

/// However often it starts.
#[tokio::test]
async fn a_start_tells_no_queue_of_a_backlog_that_may_hold_it() {
    const TASKS: usize = 20;
    const STARTS: usize = 3;
    for (name, length, expected) in [
        ("begins empty", Some(Some(0)), TASKS * STARTS),
        ("tells no length", Some(None), STARTS),
        ("has enough", Some(Some(4 * TASKS as u64)), 0),
        ("is away", None, 0),
    ] {
        let queue = Queue::of(length);
        let clock = Arc::<ManualClock>::default();
        let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
        let store: Arc<dyn TaskStore> = Arc::new(store);
        for user in 0..TASKS {
            store.submit(new_task(&user.to_string())).await.unwrap();
        }
        store.claim("0", None).await.unwrap();
        for _ in 0..STARTS {
            let mut sweep = sweep(Arc::clone(&store), clock.clone());
            if let Some(capabilities) = Arc::get_mut(&mut sweep.host) {
                capabilities.queue = queue.clone();
            }
            sweep.recover().await.unwrap();
        }
        let published = queue.published.load(Ordering::Relaxed);
        assert_eq!(published, expected, "{name}");
    }
}

/// In virtual time.
#[tokio::test(start_paused = true)]
async fn one_host_at_a_time_sweeps_and_another_goes_on() {
    const ROUNDS: u32 = 10;
    let roster = Roster::default();
    let (stop, stopped) = watch::channel(false);
    let hosts: Vec<_> = (0..3)
        .map(|host| {
            let idle = Arc::<Idle>::default();
            let mut sweep = sweep(idle.store(), Arc::default());
            if let Some(capabilities) = Arc::get_mut(&mut sweep.host) {
                capabilities.leader_leases = roster.of(host);
            }
            let running = tokio::spawn(Arc::new(sweep).run(stopped.clone()));
            (idle, running)
        })
        .collect();
    let looks = || -> Vec<usize> { hosts.iter().map(|(idle, _)| idle.looks()).collect() };
    let one = |looks: &[usize]| {
        let who: Vec<usize> = (0..3).filter(|host| looks[*host] > 0).collect();
        assert_eq!(who.len(), 1, "{looks:?}");
        who[0]
    };
    sleep(LEASE * ROUNDS).await;
    let begun = looks();
    let first = one(&begun);

    // Its lease ends, and then another one takes it within a round.
    hosts[first].1.abort();
    sleep(LEASE * ROUNDS).await;
    let mut then = looks();
    assert_eq!(then[first], begun[first], "{then:?}");
    then[first] = 0;
    one(&then);

    stop.send_replace(true);
    for (host, (_, running)) in hosts.into_iter().enumerate() {
        assert_eq!(running.await.is_ok(), host != first);
    }
    assert!(roster.is_empty(), "who stops gives it up");
}

/// In virtual time; the log throttle uses real time.
#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_swept_does_not_fill_the_log() {
    let (log, clock) = (Log::default(), Arc::<ManualClock>::default());
    let _logging = log.collect();
    let sweep = Arc::new(sweep(Arc::<Ledger>::default().store(), clock));
    let (stop, stopped) = watch::channel(false);
    let sweeping = tokio::spawn(Arc::clone(&sweep).run(stopped.clone()));
    let recovering = tokio::spawn(async move { sweep.recover_later(stopped).await });
    sleep(Duration::from_secs(600)).await;
    stop.send_replace(true);
    sweeping.await.unwrap();
    assert!(!recovering.await.unwrap());
    let log = log.text();
    for line in ["cannot be swept", "cannot be taken over yet"] {
        assert_eq!(log.matches(line).count(), 1, "{log}");
    }
}
