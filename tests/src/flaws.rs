//! Stores that break one promise: a suite that does not notice proves nothing.
//!
//! A flaw sits around a sound store, so that no switch of this kind is in the
//! product.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use concept_refinement_domain::capability::{
    Claimed, ConceptPage, Deleted, Fenced, Lease, NewTask, Position, Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::Answer;
use concept_refinement_host::capability::concepts::ConceptStore;
use concept_refinement_host::capability::tasks::{Changes, Expired, Tally, TaskStore};
use futures::future::BoxFuture;
use tokio::sync::Mutex;

/// The promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A task that one worker has is given to the next one too.
    ClaimAtomicity,
    /// Whoever lost the lease can write all the same.
    Fencing,
    /// The next worker is not told of the image that was stored.
    Checkpointing,
    /// Nobody finds the tasks that were left alone.
    Redelivery,
}

impl Flaw {
    pub const ALL: [Self; 4] = [
        Self::ClaimAtomicity,
        Self::Fencing,
        Self::Checkpointing,
        Self::Redelivery,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaimAtomicity => "claim-atomicity",
            Self::Fencing => "fencing",
            Self::Checkpointing => "checkpointing",
            Self::Redelivery => "redelivery",
        }
    }
}

impl FromStr for Flaw {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|flaw| flaw.as_str() == name)
            .ok_or(())
    }
}

/// Two stores that work together, with a flaw around them.
pub struct FlawedTasks {
    tasks: Arc<dyn TaskStore>,
    concepts: Arc<dyn ConceptStore>,
    flaw: Flaw,
    /// The newest claim of each task.
    claims: Mutex<HashMap<String, Claimed>>,
}

impl FlawedTasks {
    pub fn new(tasks: Arc<dyn TaskStore>, concepts: Arc<dyn ConceptStore>, flaw: Flaw) -> Self {
        Self {
            tasks,
            concepts,
            flaw,
            claims: Mutex::default(),
        }
    }

    /// The lease as the store is shown it.
    async fn shown(&self, lease: &Lease) -> Lease {
        let newest = self.claims.lock().await.get(&lease.task_id).cloned();
        newest
            .filter(|_| self.flaw == Flaw::Fencing)
            .map_or_else(|| lease.clone(), |claimed| claimed.lease)
    }
}

impl TaskStore for FlawedTasks {
    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        self.tasks.submit(task)
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        self.tasks.withdraw(id, error_message)
    }

    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        Box::pin(async move {
            // Held meanwhile, so that whoever is refused knows who was not.
            let mut claims = self.claims.lock().await;
            let Some(mut claimed) = self.tasks.claim(id, user_id).await? else {
                let earlier = claims.get(id).cloned();
                let Some(claimed) = earlier.filter(|_| self.flaw == Flaw::ClaimAtomicity) else {
                    return Ok(None);
                };
                let task = self.tasks.get(&claimed.task.user_id, id).await?;
                let is_held = task.is_some_and(|task| task.status == Status::Processing);
                return Ok(is_held.then_some(claimed));
            };
            claims.insert(id.to_owned(), claimed.clone());
            if self.flaw == Flaw::Checkpointing {
                claimed.checkpoint = None;
            }
            Ok(Some(claimed))
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        Box::pin(async move { self.tasks.renew(&self.shown(lease).await).await })
    }

    fn checkpoint<'a>(&'a self, lease: &'a Lease, image_path: &'a str) -> Answer<'a, Fenced> {
        Box::pin(async move {
            self.tasks
                .checkpoint(&self.shown(lease).await, image_path)
                .await
        })
    }

    fn complete<'a>(&'a self, lease: &'a Lease, result_id: &'a str) -> Answer<'a, Fenced> {
        Box::pin(async move {
            self.tasks
                .complete(&self.shown(lease).await, result_id)
                .await
        })
    }

    fn fail<'a>(
        &'a self,
        lease: &'a Lease,
        stage: Option<Stage>,
        error_message: &'a str,
    ) -> Answer<'a, Fenced> {
        Box::pin(async move {
            self.tasks
                .fail(&self.shown(lease).await, stage, error_message)
                .await
        })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        Box::pin(async move { self.tasks.release(&self.shown(lease).await).await })
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        self.tasks.get(user_id, id)
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        self.tasks.list(user_id, status, limit, after)
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Deleted>> {
        self.tasks.delete(user_id, id)
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        self.tasks.watch(user_id, id)
    }

    fn forgotten(&self, id: &str) -> BoxFuture<'static, ()> {
        self.tasks.forgotten(id)
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> BoxFuture<'a, ()> {
        self.tasks.progress(lease, stage)
    }

    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>> {
        if self.flaw == Flaw::Redelivery {
            return Box::pin(async { Ok(vec![]) });
        }
        self.tasks.due(limit)
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.tasks.next_due()
    }

    fn recover(&self) -> Answer<'_, u32> {
        if self.flaw == Flaw::Redelivery {
            return Box::pin(async { Ok(0) });
        }
        self.tasks.recover()
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        self.tasks.unreferenced(image_paths)
    }

    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.tasks.expire(before, limit)
    }

    fn tally(&self) -> Answer<'_, Tally> {
        self.tasks.tally()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.tasks.check()
    }
}

impl ConceptStore for FlawedTasks {
    fn put<'a>(&'a self, lease: &'a Lease, concept: NewConcept) -> Answer<'a, Option<String>> {
        Box::pin(async move { self.concepts.put(&self.shown(lease).await, concept).await })
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        self.concepts.get(user_id, id)
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        self.concepts.list(user_id, limit, after)
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        self.concepts.delete(user_id, id)
    }
}
