//! Writes that come at the same moment: one commit for many, and each for itself
//! where one of them fails.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::{Leases as _, Tasks as _};
use concept_refinement_domain::capability::ErrorKind;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_postgres::PostgresTasks;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::open;
use crate::tasks::{Rules, at_once, created, new_task};

/// More than are written together.
const TASKS: usize = 100;

/// How long others hold a lock: longer than a call waits for it.
const LOCKED: Duration = Duration::from_secs(4);

async fn tasks(store: &Arc<PostgresTasks>) -> Vec<Task> {
    at_once(TASKS, |number| {
        let store = Arc::clone(store);
        async move {
            let task = new_task(&format!("user {number}"));
            created(store.submit(task).await.unwrap())
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
    let tasks = tasks(&store).await;
    let before = transactions(&server);
    let claims = at_once(2 * TASKS, |number| {
        let store = Arc::clone(&store);
        let id = tasks[number % TASKS].id.clone();
        async move { store.claim(&id, None).await.unwrap() }
    });
    let claimed = claims.await.into_iter().flatten().count();
    assert_eq!(claimed, TASKS, "each is claimed once");
    let used = transactions(&server) - before;
    assert!(used < 25, "{used} transactions for {TASKS} claims");
    for task in &tasks {
        let found = other.get(&task.user_id, &task.id).await.unwrap().unwrap();
        assert_eq!(found.status, Status::Processing);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_locked_elsewhere_holds_up_no_other() {
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    let url = server.url("commits");
    let store = open(&url, None, Rules::default(), Arc::new(SystemClock));
    let tasks = tasks(&store).await;
    let claim = |number: usize| {
        let (store, id) = (Arc::clone(&store), tasks[number].id.clone());
        async move { store.claim(&id, None).await }
    };
    // One is written by itself, and one with others.
    let locked = [0, TASKS / 2];
    let [first, second] = locked.map(|number| &tasks[number].id);
    let rows = format!("SELECT FROM commits.task WHERE id IN ('{first}', '{second}') FOR UPDATE");
    let seconds = LOCKED.as_secs();
    let lock = format!("BEGIN; {rows}; SELECT pg_sleep({seconds}); COMMIT");
    thread::scope(|scope| {
        scope.spawn(|| server.execute(&lock));
        block_in_place(|| {
            Handle::current().block_on(async {
                let is_free = format!("SELECT count(*) FROM ({rows} SKIP LOCKED) AS free");
                eventually("they are locked", SOON, async || {
                    (server.query(&is_free) == "0").then_some(())
                })
                .await;
                let alone = tokio::spawn(claim(locked[0]));
                let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
                eventually("one waits", SOON, async || {
                    (server.query(waits) != "0").then_some(())
                })
                .await;
                let begin = Instant::now();
                let claims = at_once(TASKS - 1, |number| {
                    let claim = claim(number + 1);
                    async move { (number + 1, claim.await, begin.elapsed()) }
                });
                for (number, claim, elapsed) in claims.await {
                    if locked.contains(&number) {
                        assert_eq!(claim.unwrap_err().kind, ErrorKind::Unavailable);
                    } else {
                        assert!(claim.unwrap().is_some());
                        assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
                    }
                }
                let alone = alone.await.unwrap();
                assert_eq!(alone.unwrap_err().kind, ErrorKind::Unavailable);
            });
        });
    });
    for number in locked {
        let claimed = eventually("it is claimed later", SOON, async || {
            claim(number).await.ok()?
        });
        assert_eq!(claimed.await.task.id, tasks[number].id);
    }
}
