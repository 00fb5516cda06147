//! Writes that come at the same moment: one commit for many, and each for itself
//! where one of them fails.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use concept_refinement_domain::capability::ErrorKind;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_host::capability::clock::SystemClock;
use concept_refinement_host::capability::tasks::postgres::PostgresTasks;
use concept_refinement_host::capability::tasks::{Leases as _, Tasks as _};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::{Data, Postgres, Release};

use super::open;
use crate::tasks::{Rules, at_once, created, new_task};

/// More than are written together.
const TASKS: usize = 100;

/// How long a call may take that waits for what another one holds.
const LOCKED: Duration = Duration::from_secs(4);

async fn tasks(store: &Arc<PostgresTasks>) -> Vec<Task> {
    at_once(TASKS, |number| {
        let store = Arc::clone(store);
        async move {
            created(
                store
                    .submit(new_task(&format!("user {number}")))
                    .await
                    .unwrap(),
            )
        }
    })
    .await
}

/// How many transactions have written so far.
fn transactions(server: &Postgres) -> u64 {
    let id = server.query("SELECT pg_current_xact_id()");
    id.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_at_the_same_moment_share_commits() {
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    let open = || {
        open(
            &server.url("commits"),
            None,
            Rules::default(),
            Arc::new(SystemClock),
        )
    };
    let (store, other) = (open(), open());
    let before = transactions(&server);
    let tasks = tasks(&store).await;
    let claims = at_once(2 * TASKS, |number| {
        let store = Arc::clone(&store);
        let id = tasks[number % TASKS].id.clone();
        async move { store.claim(&id, None).await.unwrap() }
    });
    let claimed = claims.await.into_iter().flatten().count();
    assert_eq!(claimed, TASKS, "each is claimed once");
    let used = transactions(&server) - before;
    let writes = u64::try_from(2 * TASKS).unwrap();
    assert!(used < writes / 2, "{used} transactions for {writes} writes");
    for task in &tasks {
        let found = other.get(&task.user_id, &task.id).await.unwrap().unwrap();
        assert_eq!(found.status, Status::Processing);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_is_locked_elsewhere_holds_up_no_other() {
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    let store = open(
        &server.url("commits"),
        None,
        Rules::default(),
        Arc::new(SystemClock),
    );
    let tasks = tasks(&store).await;
    let locked = tasks[TASKS / 2].id.clone();
    let row = format!("SELECT FROM commits.task WHERE id = '{locked}' FOR UPDATE");
    let lock = format!(
        "BEGIN; {row}; SELECT pg_sleep({}); COMMIT",
        LOCKED.as_secs()
    );
    thread::scope(|scope| {
        scope.spawn(|| server.execute(&lock));
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let is_locked = format!("SELECT count(*) FROM ({row} SKIP LOCKED) AS free");
                eventually("it is locked", SOON, async || {
                    (server.query(&is_locked).trim() == "0").then_some(())
                })
                .await;
                let begin = Instant::now();
                let claims = at_once(TASKS, |number| {
                    let (store, id) = (Arc::clone(&store), tasks[number].id.clone());
                    async move { (store.claim(&id, None).await, begin.elapsed(), id) }
                });
                for (claim, elapsed, id) in claims.await {
                    if id == locked {
                        let error = claim.unwrap_err();
                        assert_eq!(error.kind, ErrorKind::Unavailable);
                    } else {
                        assert!(claim.unwrap().is_some());
                        assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
                    }
                }
            });
        });
    });
    let claimed = eventually("it is claimed later", SOON, async || {
        store.claim(&locked, None).await.ok()?
    });
    assert_eq!(claimed.await.task.id, locked);
}
