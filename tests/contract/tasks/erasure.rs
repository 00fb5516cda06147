//! Erasing a user: everything that is stored about them, and nothing of others.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::moving::{Records, TABLES};
use concept_refinement_capability::tasks::{Leases, Options, Tasks};
use concept_refinement_domain::capability::{Erased, Fenced, Finished, NewTask, TaskFailure};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Change, Task};
use concept_refinement_embedded::tasks::SqliteTasks;
use concept_refinement_tests::postgres::new_schema;
use futures::StreamExt as _;
use tokio::time::timeout;

use super::webhooks::{seen, with_webhook};
use super::{
    Rules, START, Store, TaskBackend, assert_over_quota, created, refined, replayed, with_key,
    with_quota,
};
use crate::postgres::{FIFTEEN, open};

/// For what is bound to happen.
const TIMEOUT: Duration = Duration::from_secs(30);

/// More steps than any store needs.
const MAX_STEPS: usize = 1_000;

impl<B: TaskBackend> Store<B> {
    /// Until nothing is left. Returns how many steps it took.
    async fn erase(&self, user: &str, limit: u32) -> usize {
        for steps in 1..MAX_STEPS {
            let erased = self.tasks.erase_user(user, limit).await.unwrap();
            if !erased.has_more {
                return steps;
            }
        }
        panic!("it never ends");
    }

    async fn has_nothing(&self, user: &str) {
        let tasks = self.tasks.list(user, None, 100, None).await.unwrap();
        assert_eq!(tasks.items, [], "{user}");
        let concepts = self.concepts.list(user, 100, None).await.unwrap();
        assert_eq!(concepts.items, [], "{user}");
    }
}

/// A failed task with a webhook, a completed one, one that was deleted and has a concept,
/// and one that is worked on, in this order.
async fn history<B: TaskBackend>(store: &Store<B>, user: &str) -> (Vec<Task>, Vec<String>) {
    let failed = created(store.submit(with_webhook(user, "receiver")).await);
    store.fail(&store.claim(&failed).await.lease).await;
    let completed = created(store.submit(with_key(user, "key")).await);
    let first = store.finish(&store.claim(&completed).await).await;
    let (deleted, second) = store.completed(user).await;
    assert!(store.tasks.delete(user, &deleted.id).await.unwrap());
    let active = created(store.submit(with_webhook(user, "receiver")).await);
    (
        vec![failed, completed, deleted, active],
        vec![first, second],
    )
}

pub async fn everything_of_a_user_goes_and_nothing_of_others<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (tasks, concepts) = history(&store, "ada").await;
    let (others, others_concepts) = history(&store, "bob").await;
    let active = &tasks[3];
    let claimed = store.claim(active).await;
    let changes = store.tasks.watch("ada", &active.id).await.unwrap();
    let mut changes = changes.expect("the task is there");

    store.erase("ada", 100).await;
    store.has_nothing("ada").await;
    for task in &tasks {
        assert_eq!(store.find(task).await, None);
        assert_eq!(seen(&store, task).await, None);
    }
    for concept in &concepts {
        let found = store.concepts.get("ada", concept).await.unwrap();
        assert_eq!(found, None);
    }
    let told = async { while changes.next().await.expect("it ends early") != Change::Deleted {} };
    timeout(TIMEOUT, told).await.expect("nobody is told");
    assert_eq!(timeout(TIMEOUT, changes.next()).await, Ok(None));
    let lease = &claimed.lease;
    assert_eq!(store.leases.renew(lease).await.unwrap(), None);
    let failed = store
        .leases
        .fail(lease, &TaskFailure::new("No."))
        .await
        .unwrap();
    assert_eq!(failed, Fenced::Lost);
    let finished = store.leases.finish(lease, refined(active)).await.unwrap();
    assert_eq!(finished, Finished::Over, "the image is not needed");
    store.has_nothing("ada").await;

    let listed = store.tasks.list("bob", None, 100, None).await.unwrap();
    assert_eq!(listed.items.len(), 3);
    assert!(seen(&store, &others[0]).await.is_some());
    for concept in &others_concepts {
        let found = store.concepts.get("bob", concept).await.unwrap();
        assert!(found.is_some());
    }
    replayed(store.submit(with_key("bob", "key")).await);

    assert_eq!(
        store.tasks.erase_user("ada", 100).await,
        Ok(Erased::default())
    );
    assert_eq!(
        store.tasks.erase_user("eve", 100).await,
        Ok(Erased::default())
    );
    // The key is forgotten, and the user begins anew.
    let again = created(store.submit(with_key("ada", "key")).await);
    assert_ne!(again.id, tasks[1].id);
    store.finish(&store.claim(&again).await).await;
    assert_eq!(store.task(&again).await.user_id, "ada");
}

/// Until its window ends.
pub async fn what_the_quota_counted_stays<B: TaskBackend>() {
    let store = Store::<B>::start();
    let quota = || with_quota("ada", 2, Window::Hour);
    for _ in 0..2 {
        let task = created(store.submit(quota()).await);
        store.finish(&store.claim(&task).await).await;
    }
    store.erase("ada", 100).await;
    assert_eq!(store.tasks.used("ada", Window::Hour).await, Ok(2));
    assert_over_quota(&store.submit(quota()).await);
    store.erase("ada", 100).await;
    assert_eq!(store.tasks.used("ada", Window::Month).await, Ok(2));
    store.pass(Duration::from_secs(60 * 60));
    assert_eq!(store.tasks.used("ada", Window::Hour).await, Ok(0));
    created(store.submit(quota()).await);
    assert_eq!(store.tasks.used("ada", Window::Month).await, Ok(3));
}

/// Others go on in between.
pub async fn a_long_history_is_erased_step_by_step<B: TaskBackend>() {
    const COUNT: usize = 70;
    let store = Store::<B>::start();
    let mut concepts = Vec::new();
    for n in 0..COUNT {
        let task = created(store.submit(with_key("ada", &format!("key {n}"))).await);
        let claimed = store.claim(&task).await;
        match n % 7 {
            0 => store.fail(&claimed.lease).await,
            _ => concepts.push(store.finish(&claimed).await),
        }
        store.pass(Duration::from_secs(1));
    }
    let first = store.tasks.erase_user("ada", 10).await.unwrap();
    assert!(first.has_more);
    let (other, _) = store.completed("bob").await;
    let steps = store.erase("ada", 10).await;
    assert!(steps > 1, "it takes one step");
    store.has_nothing("ada").await;
    for concept in &concepts {
        assert_eq!(store.concepts.get("ada", concept).await.unwrap(), None);
    }
    assert_eq!(store.task(&other).await, other);
    let used = store.tasks.used("ada", Window::Month).await.unwrap();
    assert_eq!(used, 60, "those that failed for nothing were given back");
    let next = created(store.submit(with_key("ada", "key 69")).await);
    let listed = store.tasks.list("ada", None, 100, None).await.unwrap();
    assert_eq!(listed.items, [next]);
}

/// The session goes too, and is not missed.
pub async fn a_stored_session_is_erased<B: TaskBackend>() {
    let store = Store::<B>::start();
    for user in ["ada", "bob"] {
        let until = store.now().plus(TIMEOUT);
        let renewed = store.tasks.renew_session(user, until, true);
        renewed.await.unwrap();
    }
    store.erase("ada", 100).await;
    let users = vec!["ada".to_owned(), "bob".to_owned()];
    let without = store.maintenance.without_session(users, store.now()).await;
    assert_eq!(without.unwrap(), ["ada"]);
}

/// All of them while their user submits and a worker works: whatever is there in the end
/// is whole.
pub async fn what_is_submitted_meanwhile_is_there_or_not<B: TaskBackend>() {
    let store = Store::<B>::start();
    for _ in 0..20 {
        let eraser = store.backend.store();
        let erasing =
            tokio::spawn(
                async move { while eraser.erase_user("ada", 1).await.unwrap().has_more {} },
            );
        let task = created(store.submit(with_quota("ada", 100, Window::Month)).await);
        let finished = match store.try_claim(&task).await {
            Some(claimed) => {
                let image = refined(&task);
                Some(store.leases.finish(&claimed.lease, image).await.unwrap())
            }
            None => None,
        };
        erasing.await.unwrap();
        let concepts = store.concepts.list("ada", 10, None).await.unwrap().items;
        match store.find(&task).await {
            Some(task) => {
                assert_eq!(finished, Some(Finished::Done));
                assert_eq!(concepts.len(), 1);
                assert_eq!(task.result_id.as_ref(), Some(&concepts[0].id));
            }
            // It was erased before it ended, or with its concept.
            None => assert_eq!(concepts, []),
        }
        store.erase("ada", 100).await;
        store.has_nothing("ada").await;
    }
    assert_eq!(store.tasks.used("ada", Window::Month).await, Ok(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_record_names_who_was_erased() {
    let clock = || Arc::new(ManualClock::at(START));
    let embedded = SqliteTasks::in_memory(Options::default(), clock()).unwrap();
    none_names_them(&embedded).await;
    let url = FIFTEEN.url(&new_schema());
    none_names_them(&*open(&url, None, Rules::default(), clock())).await;
}

/// Not even the count that stays, and not what is remembered of the tasks.
async fn none_names_them(store: &(impl Tasks + Leases + Records)) {
    const USER: &str = "ada@example.com";
    let new = NewTask {
        is_anonymous: true,
        idempotency_key: Some("key".into()),
        ..with_webhook(USER, "receiver")
    };
    let task = created(store.submit(new).await.unwrap());
    let claimed = store.claim(&task.id, None).await.unwrap().unwrap();
    let finished = store.finish(&claimed.lease, refined(&task)).await;
    assert_eq!(finished, Ok(Finished::Done));
    let until = task.created_at.plus(TIMEOUT);
    store.renew_session(USER, until, true).await.unwrap();
    let records = async || {
        let mut all = String::new();
        for table in TABLES {
            let records = store.records(table, None, 100).await.unwrap();
            all.push_str(&format!("{}: {records:?}\n", table.name));
        }
        all
    };
    assert_eq!(
        records().await.matches(USER).count(),
        6,
        "the test is blind"
    );
    store.erase_user(USER, 100).await.unwrap();
    let left = records().await;
    assert!(!left.contains(USER), "{left}");
    assert!(left.contains("\"month\\\""), "its count is gone: {left}");
}
