//! A database that goes away and comes back.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::queue::{TaskQueue as _, Work};
use concept_refinement_capability::tasks::{Leases as _, Maintenance as _, Options, Tasks as _};
use concept_refinement_domain::capability::{ErrorKind, Submission};
use concept_refinement_domain::message::message_for;
use concept_refinement_postgres::{PostgresTasks, Settings};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use futures::future::join_all;
use tokio::time::timeout;

use super::Schema;
use crate::tasks::{Rules, created, new_task};

/// How long a call may take whatever happens, and how soon it works again.
const FAILS_WITHIN: Duration = Duration::from_secs(3);
const WORKS_WITHIN: Duration = Duration::from_secs(5);

async fn open(server: &Postgres) -> Arc<PostgresTasks> {
    let settings = Settings::parse(&server.url("outage"), &|_| None).unwrap();
    let clock = Arc::new(SystemClock);
    let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
    opened.unwrap()
}

/// Many at once, more than there are connections.
async fn assert_all_fail_in_time(store: &PostgresTasks) {
    let begin = Instant::now();
    let all = join_all((0..64).map(async |number| {
        let failed = store.submit(new_task(&format!("late {number}"))).await;
        assert_eq!(failed.unwrap_err().kind, ErrorKind::Unavailable);
        let failed = store.check().await;
        assert_eq!(failed.unwrap_err().kind, ErrorKind::Unavailable);
    }));
    all.await;
    assert!(begin.elapsed() < FAILS_WITHIN * 2, "{:?}", begin.elapsed());
}

async fn assert_works_soon(store: &PostgresTasks, user: &str) {
    let worked = eventually("it works again", WORKS_WITHIN, async || {
        store.submit(new_task(user)).await.ok()
    });
    assert!(matches!(worked.await, Submission::Created(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_gone_or_silent_is_told_soon_and_used_again() {
    let mut server = Postgres::start(Release::Fifteen, Data::Durable);
    let store = open(&server).await;
    let task = created(store.submit(new_task("ada")).await.unwrap());

    server.kill();
    assert_all_fail_in_time(&store).await;
    server.run();
    assert_works_soon(&store, "after a crash").await;
    assert_eq!(store.get("ada", &task.id).await.unwrap(), Some(task));

    server.pause();
    assert_all_fail_in_time(&store).await;
    server.resume();
    assert_works_soon(&store, "after a pause").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_start_without_its_database_goes_on_and_uses_it_later() {
    let mut server = Postgres::start(Release::Fifteen, Data::Volatile);
    server.kill();
    let begin = Instant::now();
    let store = open(&server).await;
    assert!(begin.elapsed() < WORKS_WITHIN, "{:?}", begin.elapsed());
    assert_all_fail_in_time(&store).await;
    server.run();
    assert_works_soon(&store, "ada").await;
}

/// Its user was told that it failed, and it was committed all the same: no worker has to
/// wait for the end of a lease that nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_submission_whose_outcome_is_unknown_is_nobodys() {
    let schema = Arc::new(Schema::new(Release::Fifteen));
    let clock = Arc::new(SystemClock);
    let store = super::open(&schema.url(), None, Rules::default(), clock);
    // The first one counts those that wait, in a transaction that ends with its host.
    let first = created(store.submit(new_task("first")).await.unwrap());
    assert!(store.delete("first", &first.id).await.unwrap());
    let queue = Arc::new(store.queue());
    let waiting = Arc::clone(&queue);
    let worker = tokio::spawn(async move { waiting.receive().await.unwrap() });
    let locking = locked(&schema, "account").await;
    let new = new_task("ada");
    let submitted = store.submit(new.clone()).await;
    assert_eq!(submitted.unwrap_err().kind, ErrorKind::Unavailable);
    locking.join().unwrap();
    let task = eventually("it was committed", SOON, async || {
        store.get("ada", &new.id).await.unwrap()
    });
    queue.publish(message_for(&task.await)).await.unwrap();
    let delivery = timeout(FAILS_WITHIN, worker).await.expect("it is held");
    let (work, acknowledgement) = delivery.unwrap().begin();
    let Work::Claimed(claimed) = work else {
        panic!("{work:?}")
    };
    assert_eq!(claimed.lease.attempt, 1);
    acknowledgement.ack().await;
}

/// Lets nobody write to a table for a while.
async fn locked(schema: &Arc<Schema>, table: &str) -> JoinHandle<String> {
    let lock = format!("BEGIN; LOCK TABLE {table} IN SHARE MODE; SELECT pg_sleep(4); COMMIT");
    let locks = format!(
        "SELECT count(*) FROM pg_locks \
         WHERE relation = '{table}'::regclass AND mode = 'ShareLock' AND granted"
    );
    let locking = Arc::clone(schema);
    let locking = thread::spawn(move || locking.query(&lock));
    eventually("it is locked", SOON, async || {
        (schema.query(&locks) == "1").then_some(())
    })
    .await;
    locking
}

/// As another worker finds it, who asks by then: nobody died, and there was one attempt
/// before at most.
async fn assert_is_nobodys(store: &PostgresTasks, id: &str) {
    let claimed = eventually("it is nobody's", WORKS_WITHIN, async || {
        store.claim(id, None).await.ok().flatten()
    });
    let attempt = claimed.await.lease.attempt;
    assert!(attempt <= 2, "{attempt}");
}

fn deaths(schema: &Schema) -> String {
    schema.query("SELECT sum(coalesce((state::json ->> 'deaths')::int, 0)) FROM task")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_claimed_for_a_while_is_nobodys() {
    let schema = Arc::new(Schema::new(Release::Fifteen));
    let clock = Arc::new(SystemClock);
    let store = super::open(&schema.url(), None, Rules::default(), clock);
    let claimed = created(store.submit(new_task("claimed")).await.unwrap());
    let locking = locked(&schema, "task").await;
    let failed = store.claim(&claimed.id, None).await;
    assert_eq!(failed.unwrap_err().kind, ErrorKind::Unavailable);
    locking.join().unwrap();
    assert_is_nobodys(&store, &claimed.id).await;

    let fetched = created(store.submit(new_task("fetched")).await.unwrap());
    let locking = locked(&schema, "task").await;
    let queue = Arc::new(store.queue());
    let worker = tokio::spawn(async move { queue.receive().await.unwrap() });
    locking.join().unwrap();
    let delivery = timeout(WORKS_WITHIN, worker).await.expect("it is held");
    let delivery = delivery.unwrap();
    assert_eq!(delivery.work().task_id(), Some(&*fetched.id));
    drop(delivery);
    assert_is_nobodys(&store, &fetched.id).await;
    assert_eq!(deaths(&schema), "0");
}

/// Its worker was told that it failed, and it was committed all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claim_whose_outcome_is_unknown_is_nobodys() {
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    let store = open(&server).await;
    let task = created(store.submit(new_task("ada")).await.unwrap());
    server.pause();
    let failed = store.claim(&task.id, None).await;
    assert_eq!(failed.unwrap_err().kind, ErrorKind::Unavailable);
    server.resume();
    assert_is_nobodys(&store, &task.id).await;
}
