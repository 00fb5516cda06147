//! The task store and the concept store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use concept_refinement_domain::capability::{
    CapabilityError, Claimed, ConceptPage, Deleted, Fenced, Lease, NewTask, Position, Submission,
    TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::Answer;
use concept_refinement_host::capability::concepts::ConceptStore;
use concept_refinement_host::capability::tasks::{Changes, Expired, Tally, TaskStore};
use concept_refinement_tests::faults::Call;
use futures::future::BoxFuture;

use crate::faults::Faults;

pub struct FaultyTasks {
    faults: Arc<Faults>,
    tasks: Arc<dyn TaskStore>,
    concepts: Arc<dyn ConceptStore>,
    /// The newest attempt at each task that was claimed here.
    attempts: Mutex<HashMap<String, u32>>,
}

impl FaultyTasks {
    pub fn new(
        faults: Arc<Faults>,
        tasks: Arc<dyn TaskStore>,
        concepts: Arc<dyn ConceptStore>,
    ) -> Self {
        Self {
            faults,
            tasks,
            concepts,
            attempts: Mutex::default(),
        }
    }

    /// A write that names a lease. That of a worker which is known to have lost
    /// it must not be confirmed.
    fn fenced<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        lease: &'a Lease,
        write: Answer<'a, T>,
        is_confirmed: fn(&T) -> bool,
    ) -> Answer<'a, T> {
        Box::pin(self.faults.around(call, async move {
            let newest = self.attempts.lock().unwrap().get(&lease.task_id).copied();
            let answer = write.await;
            if newest > Some(lease.attempt) && answer.as_ref().is_ok_and(is_confirmed) {
                self.faults.note(&format!("late {}", lease.task_id));
            }
            answer
        }))
    }

    fn around<'a, T: Send + 'a>(&'a self, call: Call, work: Answer<'a, T>) -> Answer<'a, T> {
        Box::pin(self.faults.around(call, work))
    }
}

impl TaskStore for FaultyTasks {
    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        self.around(Call::Submit, self.tasks.submit(task))
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        self.around(Call::Withdraw, self.tasks.withdraw(id, error_message))
    }

    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        let claim = async move {
            let claimed = self.tasks.claim(id, user_id).await?;
            if let Some(Claimed { lease, .. }) = &claimed {
                let mut attempts = self.attempts.lock().unwrap();
                attempts.insert(id.to_owned(), lease.attempt);
            }
            Ok(claimed)
        };
        Box::pin(self.faults.around(Call::Claim, claim))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        let renewed = self.tasks.renew(lease);
        self.fenced(Call::Renew, lease, renewed, Option::is_some)
    }

    fn checkpoint<'a>(&'a self, lease: &'a Lease, image_path: &'a str) -> Answer<'a, Fenced> {
        let kept = Box::pin(async move {
            let kept = self.tasks.checkpoint(lease, image_path).await;
            if kept == Ok(Fenced::Done) {
                self.faults.note(&format!("kept {}", lease.task_id));
            }
            kept
        });
        self.fenced(Call::Checkpoint, lease, kept, is_done)
    }

    fn complete<'a>(&'a self, lease: &'a Lease, result_id: &'a str) -> Answer<'a, Fenced> {
        Box::pin(async move {
            if self.faults.provokes(Call::Release) {
                return Err(CapabilityError::unavailable("A fault of the tests."));
            }
            let completed = self.tasks.complete(lease, result_id);
            self.fenced(Call::Complete, lease, completed, is_done).await
        })
    }

    fn fail<'a>(
        &'a self,
        lease: &'a Lease,
        stage: Option<Stage>,
        error_message: &'a str,
    ) -> Answer<'a, Fenced> {
        let failed = self.tasks.fail(lease, stage, error_message);
        self.fenced(Call::Fail, lease, failed, is_done)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        let released = self.tasks.release(lease);
        self.fenced(Call::Release, lease, released, is_done)
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        self.around(Call::TaskGet, self.tasks.get(user_id, id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        let page = self.tasks.list(user_id, status, limit, after);
        self.around(Call::TaskList, page)
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Deleted>> {
        self.around(Call::TaskDelete, self.tasks.delete(user_id, id))
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        self.tasks.watch(user_id, id)
    }

    fn forgotten(&self, id: &str) -> BoxFuture<'static, ()> {
        self.tasks.forgotten(id)
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> BoxFuture<'a, ()> {
        let call = match stage {
            Stage::Downloading => Call::Downloading,
            Stage::Refining => Call::Refining,
            Stage::StoringImage => Call::StoringImage,
            Stage::StoringConcept => Call::StoringConcept,
        };
        Box::pin(self.faults.around(call, self.tasks.progress(lease, stage)))
    }

    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>> {
        self.around(Call::Due, self.tasks.due(limit))
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.tasks.next_due()
    }

    fn recover(&self) -> Answer<'_, u32> {
        self.around(Call::Recover, self.tasks.recover())
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        self.around(Call::Unreferenced, self.tasks.unreferenced(image_paths))
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

impl ConceptStore for FaultyTasks {
    fn put<'a>(&'a self, lease: &'a Lease, concept: NewConcept) -> Answer<'a, Option<String>> {
        let prepared = self.concepts.put(lease, concept);
        self.fenced(Call::ConceptPut, lease, prepared, Option::is_some)
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        self.around(Call::ConceptGet, self.concepts.get(user_id, id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        let page = self.concepts.list(user_id, limit, after);
        self.around(Call::ConceptList, page)
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        self.around(Call::ConceptDelete, self.concepts.delete(user_id, id))
    }
}

fn is_done(fenced: &Fenced) -> bool {
    *fenced == Fenced::Done
}
