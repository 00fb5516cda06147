//! Acts on all tasks that a filter matches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::administration::{
    Action, Job, JobStart, NewJob, Obstacle, TaskFilter,
};
use concept_refinement_domain::rulebook::Retry;
use concept_refinement_domain::task::{Status, Task};
use tokio::time::timeout;

use super::{Operated, new_ids, of_status};
use crate::tasks::{Store, at_once};

/// More than one part.
const MANY: u64 = 40;

impl<B: Operated> Store<B> {
    /// Of as many users.
    async fn many_pending(&self) {
        for number in 0..MANY {
            self.pending(&format!("user {number}")).await;
        }
    }
}

pub async fn a_job_starts_if_as_many_match_as_expected<B: Operated>() {
    let store = Store::<B>::start();
    store.pending("ada").await;
    store.pending("bob").await;
    let filter = of_status(Status::Pending);
    for expect in [0, 1, 3] {
        let start = store
            .start_job(Action::Cancel, filter.clone(), expect)
            .await;
        assert_eq!(start, JobStart::Unexpected(2));
    }
    let operator = store.operator();
    assert_eq!(operator.audit(10, None).await, Ok(vec![]));
    assert_eq!(operator.unfinished_jobs().await, Ok(vec![]));
    let job = store.started(Action::Cancel, filter.clone(), 2).await;
    assert_eq!((job.total, job.done, job.failed, job.left()), (2, 0, 0, 2));
    assert_eq!((&job.filter, job.action), (&filter, Action::Cancel));
    assert_eq!((job.created_at, job.ended_at), (store.now(), None));
    assert_eq!(operator.job(&job.id).await, Ok(Some(job.clone())));
    assert_eq!(operator.unfinished_jobs().await, Ok(vec![job.id]));
    for unknown in ["x", &store.new_id()] {
        assert_eq!(operator.job(unknown).await, Ok(None));
        let advanced = operator.advance_job(unknown, new_ids(1)).await;
        assert_eq!(advanced, Ok(None));
    }
}

pub async fn the_newest_of_each_user_is_retried<B: Operated>() {
    let store = Store::<B>::start();
    let mut newest = Vec::new();
    for round in 0..3 {
        for user in ["ada", "bob", "busy", "cid"] {
            let task = store.failed(user, "It was refused.").await;
            if round == 2 {
                newest.push(task.id);
            }
        }
        store.failed("other", "It broke off.").await;
    }
    store.pending("busy").await;
    store.pass(super::MOMENT);
    let filter = TaskFilter {
        until: Some(store.now()),
        error: Some("refused".into()),
        ..of_status(Status::Failed)
    };
    let job = store.started(Action::Retry, filter.clone(), 12).await;
    let (job, created) = store.end_job(&job, 2).await;
    assert_eq!((job.done, job.failed, job.left()), (3, 9, 0));
    let obstacles = [(Obstacle::NotNewest, 8), (Obstacle::Active, 1)];
    assert_eq!(job.obstacles, BTreeMap::from(obstacles));
    assert_eq!(job.ended_at, Some(store.now()));
    let mut users: Vec<_> = created.iter().map(|task| &*task.user_id).collect();
    users.sort_unstable();
    assert_eq!(users, ["ada", "bob", "cid"]);
    for task in &created {
        let record = store.record(&task.id).await;
        assert_eq!(record.task, *task);
        assert!(newest.contains(&record.retry_of.unwrap()));
    }
    // It is over.
    let advanced = store.operator().advance_job(&job.id, new_ids(1)).await;
    assert_eq!(advanced, Ok(None));
    assert_eq!(store.operator().job(&job.id).await, Ok(Some(job)));
}

/// What a user did after a task had failed, or somebody did for the user.
#[derive(Clone, Copy, Debug)]
enum Since {
    Nothing,
    Cancelled,
    CancelledByOperator,
    Retried(Option<Status>),
    Completed,
    Submitted,
}

pub async fn what_nobody_wants_any_more_is_not_retried<B: Operated>() {
    let store = Store::<B>::start();
    let cases = [
        ("nothing", Since::Nothing, None),
        ("gave up", Since::Cancelled, Some(Obstacle::Cancelled)),
        (
            "was stopped",
            Since::CancelledByOperator,
            Some(Obstacle::Cancelled),
        ),
        (
            "got it",
            Since::Retried(Some(Status::Completed)),
            Some(Obstacle::Retried),
        ),
        (
            "got another error",
            Since::Retried(Some(Status::Failed)),
            None,
        ),
        (
            "threw it away",
            Since::Retried(None),
            Some(Obstacle::Retried),
        ),
        (
            "asked again, and got it",
            Since::Completed,
            Some(Obstacle::Superseded),
        ),
        ("asked again", Since::Submitted, Some(Obstacle::Active)),
    ];
    let mut expected: BTreeMap<Obstacle, u64> = BTreeMap::new();
    let mut wanted = Vec::new();
    for (user, since, obstacle) in cases {
        store.after_failure(user, since).await;
        match obstacle {
            Some(obstacle) => *expected.entry(obstacle).or_default() += 1,
            None => wanted.push(user),
        }
    }
    // Of whom the retry failed, that is the newest.
    *expected.entry(Obstacle::NotNewest).or_default() += 1;
    let total = cases.len() as u64 + 1;
    let (job, created) = store.retry_failed(total).await;
    assert_eq!(job.obstacles, expected);
    assert_eq!(job.done, wanted.len() as u64);
    assert_eq!(job.failed, job.obstacles.values().sum::<u64>());
    let mut users: Vec<_> = created.iter().map(|task| &*task.user_id).collect();
    users.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(users, wanted);

    // Once more, while they are under way and when they are done.
    let (job, created) = store.retry_failed(total).await;
    assert_eq!((job.done, created.len()), (0, 0), "{job:?}");
    let operator = store.operator();
    let unfinished = operator.search(of_status(Status::Pending), 100, None);
    for record in unfinished.await.unwrap().items {
        let claimed = store.claim(&record.task).await;
        store.finish(&claimed).await;
    }
    let (job, created) = store.retry_failed(total).await;
    assert_eq!((job.done, created.len()), (0, 0), "{job:?}");
}

impl<B: Operated> Store<B> {
    async fn after_failure(&self, user: &str, since: Since) {
        if matches!(since, Since::Cancelled | Since::CancelledByOperator) {
            let task = self.pending(user).await;
            if matches!(since, Since::Cancelled) {
                self.tasks.cancel(user, &task.id).await.unwrap().unwrap();
            } else {
                let operator = self.operator();
                operator.cancel(&task.id, super::act()).await.unwrap();
            }
            return;
        }
        let failed = self.failed(user, "No.").await;
        self.pass(super::MOMENT);
        match since {
            Since::Retried(outcome) => {
                let new_id = self.new_id();
                let operator = self.operator();
                let retry = operator.retry(&failed.id, new_id, super::act()).await;
                let Some(Retry::Created(retried)) = retry.unwrap() else {
                    panic!("not retried");
                };
                match outcome {
                    None => drop(self.tasks.delete(user, &retried.task.id).await),
                    Some(status) => {
                        let claimed = self.claim(&retried.task).await;
                        match status {
                            Status::Completed => drop(self.finish(&claimed).await),
                            _ => self.fail(&claimed.lease).await,
                        }
                    }
                }
            }
            Since::Completed => drop(self.completed(user).await),
            Since::Submitted => drop(self.pending(user).await),
            _ => {}
        }
    }

    /// What comes of a retry of all that has failed until now.
    async fn retry_failed(&self, total: u64) -> (Job, Vec<Task>) {
        self.pass(super::MOMENT);
        let filter = TaskFilter {
            until: Some(self.now()),
            ..of_status(Status::Failed)
        };
        let job = self.started(Action::Retry, filter, total).await;
        self.end_job(&job, 2).await
    }
}

/// Before its end and after it, whatever matches by then, and if many ask at once.
pub async fn the_same_again_answers_the_first_job<B: Operated>() {
    let store = Store::<B>::start();
    for user in ["ada", "bob", "cid"] {
        store.failed(user, "No.").await;
    }
    store.pass(super::MOMENT);
    let filter = TaskFilter {
        until: Some(store.now()),
        ..of_status(Status::Failed)
    };
    let starts = at_once(20, |_| {
        let operator = store.operator();
        let job = NewJob {
            action: Action::Delete,
            filter: filter.clone(),
            expect: 3,
            act: super::act(),
        };
        async move { operator.start_job(job).await.unwrap() }
    })
    .await;
    let JobStart::Started(job) = starts[0].clone() else {
        panic!("not started: {:?}", starts[0]);
    };
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
    let entries = async || store.operator().audit(10, None).await.unwrap().len();
    assert_eq!(entries().await, 1);
    let (job, _) = store.end_job(&job, 2).await;
    assert_eq!(job.done, 3);
    for expect in [3, 0] {
        let again = store
            .start_job(Action::Delete, filter.clone(), expect)
            .await;
        assert_eq!(again, JobStart::Started(Box::new(job.clone())));
    }
    assert_eq!(entries().await, 1);

    // Another one is another one.
    let later = TaskFilter {
        until: Some(store.now().plus(super::MOMENT)),
        ..filter.clone()
    };
    for (action, filter) in [(Action::Retry, filter), (Action::Delete, later)] {
        let other = store.start_job(action, filter.clone(), 3).await;
        assert_eq!(other, JobStart::Unexpected(0));
        let other = store.started(action, filter, 0).await;
        assert_ne!(other.id, job.id);
    }
}

pub async fn all_that_match_are_cancelled_or_deleted<B: Operated>() {
    for action in [Action::Cancel, Action::Delete] {
        let store = Store::<B>::start();
        store.many_pending().await;
        store.failed("other", "No.").await;
        let filter = of_status(Status::Pending);
        let job = store.started(action, filter.clone(), MANY).await;
        // It ended before the job came to it, and does not match any longer: it could not
        // be done to one of those that were counted.
        store
            .operator()
            .cancel(&store.matching(&filter).await[7], super::act())
            .await
            .unwrap();
        let (job, created) = store.end_job(&job, 7).await;
        assert_eq!((job.done, job.failed, created.len()), (MANY - 1, 1, 0));
        assert_eq!(job.obstacles, BTreeMap::from([(Obstacle::Changed, 1)]));
        assert_eq!((job.total, job.left()), (MANY, 0));
        assert_eq!(store.matching(&filter).await.len(), 0, "{action:?}");
        let left = store.operator().count(TaskFilter::default()).await.unwrap();
        let expected = if action == Action::Delete {
            2
        } else {
            MANY + 1
        };
        assert_eq!(left, expected);
    }
}

/// Those that were under way, and failed after they were counted.
pub async fn what_ended_later_is_left_alone<B: Operated>() {
    for action in [Action::Retry, Action::Delete] {
        let store = Store::<B>::start();
        let failed = store.failed("ada", "No.").await;
        let others = [store.pending("bob").await, store.pending("cid").await];
        store.pass(super::MOMENT);
        let filter = TaskFilter {
            until: Some(store.now()),
            error: Some("".into()),
            ..of_status(Status::Failed)
        };
        let job = store.started(action, filter, 1).await;
        store.pass(super::MOMENT);
        for other in &others {
            store
                .operator()
                .cancel(&other.id, super::act())
                .await
                .unwrap();
        }
        let (job, created) = store.end_job(&job, 7).await;
        assert_eq!((job.total, job.done, job.failed), (1, 1, 0), "{action:?}");
        assert_eq!(created.len(), usize::from(action == Action::Retry));
        for other in &others {
            assert_eq!(store.record(&other.id).await.retry_of, None);
        }
        let found = store.operator().find(&failed.id).await.unwrap();
        assert_eq!(found.is_some(), action == Action::Retry);
    }
}

/// Whoever is at it, and at once.
pub async fn each_task_is_done_once<B: Operated>() {
    let store = Store::<B>::start();
    store.many_pending().await;
    let job = store
        .started(Action::Delete, of_status(Status::Pending), MANY)
        .await;
    let operator = store.operator();
    at_once(4, |_| {
        let (operator, id) = (Arc::clone(&operator), job.id.clone());
        async move {
            while operator.job(&id).await.unwrap().unwrap().ended_at.is_none() {
                operator.advance_job(&id, new_ids(3)).await.unwrap();
            }
        }
    })
    .await;
    let job = store.operator().job(&job.id).await.unwrap().unwrap();
    assert_eq!((job.done, job.failed), (MANY, 0));
}

/// What is given up at any moment is done wholly or not at all.
pub async fn who_goes_away_leaves_no_part_half_done<B: Operated>() {
    let store = Store::<B>::start();
    store.many_pending().await;
    let job = store
        .started(Action::Delete, of_status(Status::Pending), MANY)
        .await;
    let operator = store.operator();
    for moment in 0..30 {
        let advanced = operator.advance_job(&job.id, new_ids(1));
        let _ = timeout(Duration::from_micros(moment * 150), advanced).await;
    }
    let job = loop {
        // Another part may still be under way.
        let advanced = operator.advance_job(&job.id, new_ids(5)).await.unwrap();
        match advanced.filter(|progress| progress.job.ended_at.is_some()) {
            Some(progress) => break progress.job,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!((job.done, job.failed), (MANY, 0));
    assert_eq!(store.matching(&TaskFilter::default()).await.len(), 0);
}
