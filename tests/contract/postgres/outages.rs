//! A database that goes away and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_domain::capability::{ErrorKind, Submission};
use concept_refinement_host::capability::clock::SystemClock;
use concept_refinement_host::capability::tasks::postgres::{PostgresTasks, Settings};
use concept_refinement_host::capability::tasks::{Maintenance as _, Options, Tasks as _};
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use futures::future::join_all;

use crate::tasks::{created, new_task};

/// How long a call may take whatever happens, and how soon it works again.
const FAILS_WITHIN: Duration = Duration::from_secs(3);
const WORKS_WITHIN: Duration = Duration::from_secs(5);

async fn open(server: &Postgres) -> Arc<PostgresTasks> {
    let settings = Settings::parse(&server.url("outage"), &|_| None).unwrap();
    let clock = Arc::new(SystemClock);
    let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
    opened.unwrap().store
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
