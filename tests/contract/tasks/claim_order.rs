//! Whose task a queue inside of the store has claimed next.

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::lease::CLAIM_REMEMBERED;
use concept_refinement_domain::task::Task;

use super::{MICROSECOND, Store, TaskBackend, created, new_task};

impl<B: TaskBackend> Store<B> {
    /// One of several that the user may have at a time, each later than the one before.
    pub async fn another(&self, user: &str) -> Task {
        self.pass(MICROSECOND);
        let task = NewTask {
            active_tasks: 100,
            ..new_task(user)
        };
        created(self.submit(task).await)
    }

    /// The users of pending tasks, in the order in which these are claimed.
    pub async fn order(&self, tasks: &[Task]) -> Vec<String> {
        let ids = self.maintenance.claim_order(1_000).await.unwrap();
        let user = |id: &String| {
            let task = tasks.iter().find(|task| task.id == *id);
            task.expect("it is of these").user_id.clone()
        };
        ids.iter().map(user).collect()
    }
}

pub async fn who_was_served_longest_ago_comes_first<B: TaskBackend>() {
    let store = Store::<B>::start();
    // The latest of these is served last.
    for user in ["long ago", "lately"] {
        let task = store.another(user).await;
        store.pass(MICROSECOND);
        let claimed = store.claim(&task).await;
        store.finish(&claimed).await;
    }
    let mut tasks = Vec::new();
    for user in ["lately", "long ago", "never", "neither"] {
        tasks.push(store.another(user).await);
    }
    let expected = ["never", "neither", "long ago", "lately"];
    assert_eq!(store.order(&tasks).await, expected);
    // The whole of it can be asked for, or its beginning.
    let first = store.maintenance.claim_order(2).await.unwrap();
    assert_eq!(first, [tasks[2].id.clone(), tasks[3].id.clone()]);
    store.pass(CLAIM_REMEMBERED);
    let expected = ["lately", "long ago", "never", "neither"];
    assert_eq!(store.order(&tasks).await, expected, "all of them never");
}

pub async fn each_user_who_waits_has_a_turn_in_each_round<B: TaskBackend>() {
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for user in ["a", "a", "a", "b", "a", "c", "b"] {
        tasks.push(store.another(user).await);
    }
    let mut expected = vec!["a", "b", "c", "a", "b", "a", "a"];
    assert_eq!(store.order(&tasks).await, expected);
    // As claims go, so goes the order.
    while !expected.is_empty() {
        assert_eq!(store.order(&tasks).await, expected);
        let next = store.maintenance.claim_order(1).await.unwrap();
        store.pass(MICROSECOND);
        let claimed = store.leases.claim(&next[0], None).await.unwrap().unwrap();
        assert_eq!(claimed.task.user_id, expected.remove(0));
    }
    let order = store.order(&tasks).await;
    assert!(order.is_empty(), "{order:?}");
}
