//! Deadlines by which a worker has to have begun a task.

use std::time::Duration;

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::Status;

use super::{MICROSECOND, Store, TaskBackend, created, with_quota};

const DEADLINE: Duration = Duration::from_secs(20);

pub const MESSAGE: &str = "Error in refinement task processing: not started within 20 seconds";

pub fn with_deadline(user: &str) -> NewTask {
    let mut task = with_quota(user, 5, Window::Month);
    task.refinement.deadline_seconds = Some(20);
    task
}

impl<B: TaskBackend> Store<B> {
    /// How many deadlines were looked at.
    pub async fn missed(&self, limit: u32) -> u32 {
        self.maintenance.miss_deadlines(limit).await.unwrap()
    }

    /// How many tasks of this month count.
    pub async fn counted(&self, user: &str) -> u32 {
        self.tasks.used(user, Window::Month).await.unwrap()
    }
}

pub async fn many_deadlines_pass_at_once<B: TaskBackend>() {
    const TASKS: u32 = 70;
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        let new = with_deadline(&format!("user {number}"));
        tasks.push(created(store.submit(new).await));
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
