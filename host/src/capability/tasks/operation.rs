//! The operations of the task store as values, and the one place that forwards
//! them.

use std::borrow::Cow;

use concept_refinement_domain::capability::{
    Claimed, ConceptPage, Deleted, Fenced, Lease, NewTask, Position, Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::BoxFuture;

use super::{Changes, Expired, Leases, Maintenance, Tally, TaskStore, Tasks};
use crate::capability::Answer;
use crate::capability::concepts::Concepts;
use crate::capability::intercept::{Intercepted, Operations, replies};

/// An operation of the task store with its arguments.
#[derive(Clone, Debug)]
pub enum TaskOperation<'a> {
    Submit(NewTask),
    Withdraw {
        id: &'a str,
        error_message: &'a str,
    },
    Get {
        user_id: &'a str,
        id: &'a str,
    },
    List {
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    },
    Delete {
        user_id: &'a str,
        id: &'a str,
    },
    Watch {
        user_id: &'a str,
        id: &'a str,
    },
    GetConcept {
        user_id: &'a str,
        id: &'a str,
    },
    ListConcepts {
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    },
    DeleteConcept {
        user_id: &'a str,
        id: &'a str,
    },
    Claim {
        id: &'a str,
        user_id: Option<&'a str>,
    },
    /// What a worker asks under its lease.
    Leased(Cow<'a, Lease>, LeasedOperation<'a>),
    Due {
        limit: u32,
    },
    NextDue,
    Recover,
    Unreferenced {
        image_paths: Vec<String>,
    },
    Expire {
        before: Timestamp,
        limit: u32,
    },
    Tally,
    Check,
}

/// An operation that names a lease.
#[derive(Clone, Debug)]
pub enum LeasedOperation<'a> {
    Renew,
    Checkpoint { image_path: &'a str },
    PutConcept(Box<NewConcept>),
    Complete { result_id: &'a str },
    Fail { error_message: &'a str },
    Release,
    Progress(Stage),
}

replies! {
    /// What an operation of the task store answers.
    TaskReply {
        Submission(Submission),
        Fenced(Fenced),
        Task(Option<Task>),
        Page(TaskPage),
        Deleted(Option<Deleted>),
        Changes(Option<Changes>),
        Concept(Option<Concept>),
        ConceptPage(ConceptPage),
        Claimed(Option<Claimed>),
        Lease(Option<Lease>),
        Text(Option<String>),
        Due(Vec<Task>),
        NextDue(Option<Timestamp>),
        Count(u32),
        ImagePaths(Vec<String>),
        Expired(Expired),
        Tally(Tally),
        Done(()),
    }
}

impl TaskOperation<'_> {
    /// Of what it is an operation, `tasks` or `concepts`, and its name there.
    pub fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Submit(_) => ("tasks", "submit"),
            Self::Withdraw { .. } => ("tasks", "withdraw"),
            Self::Get { .. } => ("tasks", "get"),
            Self::List { .. } => ("tasks", "list"),
            Self::Delete { .. } => ("tasks", "delete"),
            Self::Watch { .. } => ("tasks", "watch"),
            Self::GetConcept { .. } => ("concepts", "get"),
            Self::ListConcepts { .. } => ("concepts", "list"),
            Self::DeleteConcept { .. } => ("concepts", "delete"),
            Self::Claim { .. } => ("tasks", "claim"),
            Self::Leased(_, leased) => leased.name(),
            Self::Due { .. } => ("tasks", "due"),
            Self::NextDue => ("tasks", "next-due"),
            Self::Recover => ("tasks", "recover"),
            Self::Unreferenced { .. } => ("tasks", "unreferenced"),
            Self::Expire { .. } => ("tasks", "expire"),
            Self::Tally => ("tasks", "tally"),
            Self::Check => ("tasks", "check"),
        }
    }
}

impl LeasedOperation<'_> {
    fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Renew => ("tasks", "renew"),
            Self::Checkpoint { .. } => ("tasks", "checkpoint"),
            Self::PutConcept(_) => ("concepts", "put"),
            Self::Complete { .. } => ("tasks", "complete"),
            Self::Fail { .. } => ("tasks", "fail"),
            Self::Release => ("tasks", "release"),
            Self::Progress(_) => ("tasks", "progress"),
        }
    }
}

impl Operations for dyn TaskStore {
    type Operation<'a> = TaskOperation<'a>;
    type Reply = TaskReply;

    fn run<'a>(&'a self, operation: TaskOperation<'a>) -> Answer<'a, TaskReply> {
        use TaskOperation as Asked;
        Box::pin(async move {
            Ok(match operation {
                Asked::Submit(task) => self.submit(task).await?.into(),
                Asked::Withdraw { id, error_message } => {
                    self.withdraw(id, error_message).await?.into()
                }
                Asked::Get { user_id, id } => Tasks::get(self, user_id, id).await?.into(),
                Asked::List {
                    user_id,
                    status,
                    limit,
                    after,
                } => Tasks::list(self, user_id, status, limit, after)
                    .await?
                    .into(),
                Asked::Delete { user_id, id } => Tasks::delete(self, user_id, id).await?.into(),
                Asked::Watch { user_id, id } => self.watch(user_id, id).await?.into(),
                Asked::GetConcept { user_id, id } => Concepts::get(self, user_id, id).await?.into(),
                Asked::ListConcepts {
                    user_id,
                    limit,
                    after,
                } => Concepts::list(self, user_id, limit, after).await?.into(),
                Asked::DeleteConcept { user_id, id } => {
                    Concepts::delete(self, user_id, id).await?.into()
                }
                Asked::Claim { id, user_id } => self.claim(id, user_id).await?.into(),
                Asked::Leased(lease, LeasedOperation::Renew) => self.renew(&lease).await?.into(),
                Asked::Leased(lease, LeasedOperation::Checkpoint { image_path }) => {
                    self.checkpoint(&lease, image_path).await?.into()
                }
                Asked::Leased(lease, LeasedOperation::PutConcept(concept)) => {
                    self.put_concept(&lease, *concept).await?.into()
                }
                Asked::Leased(lease, LeasedOperation::Complete { result_id }) => {
                    self.complete(&lease, result_id).await?.into()
                }
                Asked::Leased(lease, LeasedOperation::Fail { error_message }) => {
                    self.fail(&lease, error_message).await?.into()
                }
                Asked::Leased(lease, LeasedOperation::Release) => {
                    self.release(&lease).await?.into()
                }
                Asked::Leased(lease, LeasedOperation::Progress(stage)) => {
                    self.progress(&lease, stage).await;
                    TaskReply::Done(())
                }
                Asked::Due { limit } => self.due(limit).await?.into(),
                Asked::NextDue => self.next_due().await?.into(),
                Asked::Recover => self.recover().await?.into(),
                Asked::Unreferenced { image_paths } => self.unreferenced(image_paths).await?.into(),
                Asked::Expire { before, limit } => self.expire(before, limit).await?.into(),
                Asked::Tally => self.tally().await?.into(),
                Asked::Check => self.check().await?.into(),
            })
        })
    }
}

impl Tasks for Intercepted<dyn TaskStore> {
    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        self.pass(TaskOperation::Submit(task))
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        self.pass(TaskOperation::Withdraw { id, error_message })
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        self.pass(TaskOperation::Get { user_id, id })
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        self.pass(TaskOperation::List {
            user_id,
            status,
            limit,
            after,
        })
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Deleted>> {
        self.pass(TaskOperation::Delete { user_id, id })
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        self.pass(TaskOperation::Watch { user_id, id })
    }
}

impl Concepts for Intercepted<dyn TaskStore> {
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        self.pass(TaskOperation::GetConcept { user_id, id })
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        self.pass(TaskOperation::ListConcepts {
            user_id,
            limit,
            after,
        })
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        self.pass(TaskOperation::DeleteConcept { user_id, id })
    }
}

impl Intercepted<dyn TaskStore> {
    fn pass_leased<'a, T>(
        &'a self,
        lease: &'a Lease,
        operation: LeasedOperation<'a>,
    ) -> Answer<'a, T>
    where
        T: TryFrom<TaskReply> + 'a,
    {
        self.pass(TaskOperation::Leased(Cow::Borrowed(lease), operation))
    }
}

impl Leases for Intercepted<dyn TaskStore> {
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        self.pass(TaskOperation::Claim { id, user_id })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        self.pass_leased(lease, LeasedOperation::Renew)
    }

    fn checkpoint<'a>(&'a self, lease: &'a Lease, image_path: &'a str) -> Answer<'a, Fenced> {
        self.pass_leased(lease, LeasedOperation::Checkpoint { image_path })
    }

    fn put_concept<'a>(
        &'a self,
        lease: &'a Lease,
        concept: NewConcept,
    ) -> Answer<'a, Option<String>> {
        self.pass_leased(lease, LeasedOperation::PutConcept(Box::new(concept)))
    }

    fn complete<'a>(&'a self, lease: &'a Lease, result_id: &'a str) -> Answer<'a, Fenced> {
        self.pass_leased(lease, LeasedOperation::Complete { result_id })
    }

    fn fail<'a>(&'a self, lease: &'a Lease, error_message: &'a str) -> Answer<'a, Fenced> {
        self.pass_leased(lease, LeasedOperation::Fail { error_message })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        self.pass_leased(lease, LeasedOperation::Release)
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> BoxFuture<'a, ()> {
        let passed = self.pass_leased::<()>(lease, LeasedOperation::Progress(stage));
        // Nothing depends on it.
        Box::pin(async { passed.await.unwrap_or_default() })
    }

    /// There is nothing to intercept: it waits.
    fn deletion(&self, id: &str) -> BoxFuture<'static, ()> {
        self.inner.deletion(id)
    }
}

impl Maintenance for Intercepted<dyn TaskStore> {
    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>> {
        self.pass(TaskOperation::Due { limit })
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.pass(TaskOperation::NextDue)
    }

    fn recover(&self) -> Answer<'_, u32> {
        self.pass(TaskOperation::Recover)
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        self.pass(TaskOperation::Unreferenced { image_paths })
    }

    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.pass(TaskOperation::Expire { before, limit })
    }

    fn tally(&self) -> Answer<'_, Tally> {
        self.pass(TaskOperation::Tally)
    }

    fn check(&self) -> Answer<'_, ()> {
        self.pass(TaskOperation::Check)
    }
}
