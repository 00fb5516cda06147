//! What operations cost, in steps of SQLite's machine, since times depend on the machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::Leases as _;
use concept_refinement_capability::webhooks::Webhooks as _;
use concept_refinement_domain::capability::{Fenced, NewTask, TaskFailure};
use concept_refinement_kit::samples::new_task;
use futures::FutureExt as _;

use super::*;

const USER: &str = "user";

type Operation = fn(&SqliteTasks) -> Answer<'_, ()>;

/// What users ask for most often, and what the service does by itself.
const OPERATIONS: [(&str, Operation); 19] = [
    ("submit", |store| {
        let task = NewTask {
            user_id: USER.into(),
            active_tasks: 9,
            idempotency_key: Some("key".into()),
            ..new_task("next")
        };
        forget(Tasks::submit(store, task))
    }),
    ("claim order", |store| forget(store.claim_order(10))),
    ("claim", |store| forget(store.claim("next", None))),
    ("get", |store| forget(Tasks::get(store, USER, "next"))),
    ("list", |store| {
        forget(Tasks::list(store, USER, None, 5, None))
    }),
    ("list of a status", |store| {
        let status = Some(Status::Pending);
        forget(Tasks::list(store, USER, status, 5, None))
    }),
    ("used", |store| forget(store.used(USER, Window::Day))),
    ("spending", |store| {
        forget(store.spending(USER, Window::Day))
    }),
    ("list of concepts", |store| {
        forget(Concepts::list(store, USER, 5, None))
    }),
    ("due", |store| forget(store.due(10))),
    ("next due", |store| forget(store.next_due())),
    ("miss deadlines", |store| forget(store.miss_deadlines(10))),
    ("next deadline", |store| forget(store.next_deadline())),
    ("unreferenced", |store| {
        forget(store.unreferenced(vec!["uploads/a/b.png".into()]))
    }),
    ("expire", |store| forget(store.expire(Timestamp(0), 10))),
    ("abandon", |store| forget(store.abandon(Timestamp(0), 10))),
    ("next delivery", |store| forget(store.next_delivery())),
    ("cancel", |store| forget(Tasks::cancel(store, USER, "next"))),
    ("delete", |store| forget(Tasks::delete(store, USER, "next"))),
];

fn forget<'a, T: Send + 'a>(answer: Answer<'a, T>) -> Answer<'a, ()> {
    Box::pin(answer.map(|result| result.map(drop)))
}

/// A store with a task that has failed, and the number of steps that its statements took.
async fn counted() -> (SqliteTasks, Arc<AtomicU64>) {
    let mut connection = connection::in_memory().unwrap();
    sqlite::schema::prepare(&mut connection, &SCHEMA, None).unwrap();
    let steps = Arc::<AtomicU64>::default();
    let count = {
        let steps = Arc::clone(&steps);
        move || {
            steps.fetch_add(1, Ordering::Relaxed);
            false
        }
    };
    connection.progress_handler(1, Some(count)).unwrap();
    let place = Path::new("the memory");
    let (options, clock) = (Options::default(), Arc::new(SystemClock));
    let store = SqliteTasks::on(place, connection, vec![], options, clock, Arc::default());
    let store = store.unwrap();
    let task = NewTask {
        user_id: USER.into(),
        ..new_task("first")
    };
    store.submit(task).await.unwrap();
    let claimed = store.claim("first", None).await.unwrap().unwrap();
    let failure = TaskFailure::new("It failed.");
    let failed = store.fail(&claimed.lease, &failure).await;
    assert_eq!(failed, Ok(Fenced::Done));
    (store, steps)
}

/// Stores copies of the only task.
async fn copy(store: &SqliteTasks, count: u32) {
    const SQL: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) \
         INSERT INTO task (id, user_id, is_anonymous, created_at, status, updated_at, \
             completed_at, revision, request, state) \
         SELECT id || i, user_id, is_anonymous, created_at, status, updated_at, \
             completed_at, revision, request, state FROM task, n";
    let copy = move |tx: &mut Tx<'_>| Ok(tx.connection.execute(SQL, [count])?);
    assert_eq!(store.write(copy).await.unwrap(), count as usize);
}

/// By operation.
async fn costs(copies: u32) -> Vec<u64> {
    let (store, steps) = counted().await;
    if copies > 0 {
        copy(&store, copies).await;
    }
    let mut costs = Vec::new();
    for (name, operation) in OPERATIONS {
        let before = steps.load(Ordering::Relaxed);
        operation(&store).await.expect(name);
        costs.push(steps.load(Ordering::Relaxed) - before);
    }
    costs
}

#[tokio::test]
async fn nothing_costs_more_where_the_same_user_has_had_a_thousand_tasks() {
    let few = costs(0).await;
    let many = costs(1_000).await;
    let costs = few.into_iter().zip(many);
    let dear: Vec<_> = OPERATIONS
        .iter()
        .zip(costs)
        .filter(|(_, (few, many))| *many > few + 500)
        .map(|((name, _), costs)| (*name, costs))
        .collect();
    assert!(dear.is_empty(), "{dear:?}");
}
