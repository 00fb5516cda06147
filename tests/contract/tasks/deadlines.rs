//! Deadlines by which a worker has to have begun a task.

use std::time::Duration;

use concept_refinement_domain::capability::{Fenced, NewTask};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Status, Task};

use super::{MICROSECOND, START, Store, TaskBackend, created, with_quota};

const DEADLINE: Duration = Duration::from_secs(20);

pub const MESSAGE: &str = "Error in refinement task processing: not started within 20 seconds";

pub fn with_deadline(user: &str) -> NewTask {
    let mut task = with_quota(user, 5, Window::Month);
    task.refinement.deadline_seconds = Some(20);
    task
}

impl<B: TaskBackend> Store<B> {
    async fn with_deadline(&self, user: &str) -> Task {
        created(self.submit(with_deadline(user)).await)
    }

    /// How many deadlines were looked at.
    pub async fn missed(&self, limit: u32) -> u32 {
        self.maintenance.miss_deadlines(limit).await.unwrap()
    }

    /// How many tasks of this month count.
    pub async fn counted(&self, user: &str) -> u32 {
        self.tasks.used(user, Window::Month).await.unwrap()
    }
}

pub async fn a_task_that_no_worker_has_begun_fails_at_its_deadline<B: TaskBackend>() {
    let store = Store::<B>::start();
    assert_eq!(store.maintenance.next_deadline().await, Ok(None));
    store.created("without").await;
    assert_eq!(store.maintenance.next_deadline().await, Ok(None));
    let swept = store.with_deadline("swept").await;
    let claimed = store.with_deadline("claimed").await;
    assert_eq!(swept.refinement.deadline_seconds, Some(20));
    let deadline = Some(START.plus(DEADLINE));
    assert_eq!(store.maintenance.next_deadline().await, Ok(deadline));

    store.pass(DEADLINE - MICROSECOND);
    assert_eq!(store.missed(100).await, 0);
    assert_eq!(store.task(&swept).await.status, Status::Pending);
    store.pass(MICROSECOND);
    // Whoever comes first.
    assert!(store.try_claim(&claimed).await.is_none());
    assert_eq!(store.missed(100).await, 2);
    for task in [&swept, &claimed] {
        let user = task.user_id.as_str();
        let failed = store.task(task).await;
        assert_eq!(failed.status, Status::Failed, "{user}");
        assert_eq!(failed.error_message.as_deref(), Some(MESSAGE), "{user}");
        assert_eq!(failed.completed_at, Some(store.now()), "{user}");
        assert_eq!(store.counted(user).await, 0, "{user}: it is given back");
        let again = store.submit(with_deadline(user)).await;
        assert_eq!(created(again).user_id, user);
    }
    assert_eq!(store.missed(100).await, 0, "each is looked at once");
    let next = Some(store.now().plus(DEADLINE));
    assert_eq!(store.maintenance.next_deadline().await, Ok(next));
}

pub async fn what_a_worker_has_begun_is_left_to_workers<B: TaskBackend>() {
    let store = Store::<B>::start();
    let held = store.with_deadline("held").await;
    let released = store.with_deadline("released").await;
    let deleted = store.with_deadline("deleted").await;
    let held = store.claim(&held).await;
    let claimed = store.claim(&released).await;
    let given_back = store.leases.release(&claimed.lease).await;
    assert_eq!(given_back, Ok(Fenced::Done));
    assert_eq!(store.tasks.delete("deleted", &deleted.id).await, Ok(true));
    store.pass(DEADLINE);
    assert_eq!(store.missed(100).await, 3);
    assert_eq!(store.task(&held.task).await.status, Status::Processing);
    assert_eq!(store.task(&released).await.status, Status::Pending);
    assert_eq!(store.counted("released").await, 1);
    assert_eq!(store.maintenance.next_deadline().await, Ok(None));
    store.claim(&released).await;
    store.finish(&held).await;
}

pub async fn many_deadlines_pass_at_once<B: TaskBackend>() {
    const TASKS: u32 = 70;
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        tasks.push(store.with_deadline(&format!("user {number}")).await);
        store.pass(MICROSECOND);
    }
    store.pass(DEADLINE - MICROSECOND * 40);
    // Those of the first 31.
    for (limit, expected) in [(10, 10), (20, 20), (20, 1), (20, 0)] {
        assert_eq!(store.missed(limit).await, expected, "{limit}");
    }
    for (number, task) in tasks.iter().enumerate() {
        let expected = if number < 31 {
            Status::Failed
        } else {
            Status::Pending
        };
        assert_eq!(store.task(task).await.status, expected, "{number}");
    }
    store.pass(DEADLINE);
    assert_eq!(store.missed(TASKS).await, TASKS - 31);
}
