//! The promises of the operator's view of a store, which the engines of our host have.

pub mod acts;
pub mod audit;
pub mod hosts;
pub mod jobs;
pub mod pause;
pub mod search;
pub mod story;
pub mod unreadable;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::administration::{
    Act, Action, Administration, Job, JobStart, NewJob, TaskFilter,
};
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::moving::Records;
use concept_refinement_domain::capability::{NewTask, TaskFailure};
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::{Status, Task, id_at};
use uuid::Uuid;

use crate::tasks::{Rules, START, Store, TaskBackend, created, new_task};

/// Between two tasks, so that their ids are in the order of time.
const MOMENT: Duration = Duration::from_millis(1);

/// A backend with an operator.
pub trait Operated: TaskBackend {
    type Engine: Administration + Records + 'static;

    fn engine(&self) -> Arc<Self::Engine>;
}

/// A backend that any number of hosts share.
pub trait Joined: Operated {
    /// The same store, for another host.
    fn join(&self, rules: Rules, clock: Arc<ManualClock>) -> Self;
}

pub fn act() -> Act {
    Act {
        actor: "ada \0".into(),
        reason: "Its provider was away. ☕".into(),
    }
}

fn of_status(status: Status) -> TaskFilter {
    TaskFilter {
        status: Some(status),
        ..TaskFilter::default()
    }
}

/// Of tasks that a job may make.
fn new_ids(count: usize) -> Vec<String> {
    let ids = std::iter::repeat_with(|| id_at(START, Uuid::new_v4().as_u128()));
    ids.take(count).collect()
}

impl<B: Operated> Store<B> {
    fn operator(&self) -> Arc<dyn Administration> {
        self.backend.engine()
    }

    fn new_id(&self) -> String {
        id_at(self.now(), Uuid::new_v4().as_u128())
    }

    /// Later than all tasks so far, by its id too.
    fn later(&self, user: &str) -> NewTask {
        self.pass(MOMENT);
        NewTask {
            id: self.new_id(),
            ..new_task(user)
        }
    }

    async fn pending(&self, user: &str) -> Task {
        created(self.submit(self.later(user)).await)
    }

    async fn failed(&self, user: &str, error_message: &str) -> Task {
        let task = self.pending(user).await;
        let claimed = self.claim(&task).await;
        let failure = TaskFailure::new(error_message);
        let failed = self.leases.fail(&claimed.lease, &failure).await;
        let _ = failed.unwrap();
        self.task(&task).await
    }

    async fn record(&self, id: &str) -> TaskRecord {
        self.operator().find(id).await.unwrap().unwrap()
    }

    /// What happened to a task, in order.
    async fn kinds(&self, id: &str) -> Vec<StepKind> {
        let record = self.record(id).await;
        record.steps.iter().map(|step| step.kind).collect()
    }

    /// All tasks of a filter that are there.
    async fn matching(&self, filter: &TaskFilter) -> Vec<String> {
        let page = self.operator().search(filter.clone(), 1_000, None).await;
        let page = page.unwrap();
        assert_eq!(page.next, None);
        page.items
            .into_iter()
            .map(|record| record.task.id)
            .collect()
    }

    async fn start_job(&self, action: Action, filter: TaskFilter, expect: u64) -> JobStart {
        let job = NewJob {
            action,
            filter,
            expect,
            act: act(),
        };
        self.operator().start_job(job).await.unwrap()
    }

    /// A job of this many tasks.
    async fn started(&self, action: Action, filter: TaskFilter, expect: u64) -> Job {
        match self.start_job(action, filter, expect).await {
            JobStart::Started(job) => *job,
            JobStart::Unexpected(total) => panic!("not {expect}, but {total}"),
        }
    }

    /// Goes on with a job until it is over, and returns it with the tasks that it made.
    async fn end_job(&self, job: &Job, at_once: usize) -> (Job, Vec<Task>) {
        let (operator, mut created) = (self.operator(), Vec::new());
        loop {
            let advanced = operator.advance_job(&job.id, new_ids(at_once));
            let progress = advanced.await.unwrap().expect("nobody else is at it");
            assert!(progress.created.len() <= at_once);
            created.extend(progress.created);
            if progress.job.ended_at.is_some() {
                return (progress.job, created);
            }
        }
    }
}
