//! How long the stores and the queue take, by operation, and what else passes
//! through them: tasks that come, go on and end, bytes that are kept.
//!
//! What only computes (signing a URL, resolving one) or waits for something to
//! happen (receiving a message) is handed on unmeasured.

use std::sync::Arc;
use std::time::Instant;

use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, Claimed, ConceptPage, Deleted, Fenced, ImageInfo, ImageKind, Lease,
    NewImage, NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::tasks::End;
use super::{Buckets, Histograms, Metrics, observe};
use crate::capability::concepts::ConceptStore;
use crate::capability::images::{Contents, ImageStore, Images};
use crate::capability::queue::{Delivery, TaskQueue};
use crate::capability::tasks::{Changes, Expired, Tally, TaskStore};
use crate::capability::{Answer, Clock};

/// What is measured, in the order of [`OPERATIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Submit,
    Withdraw,
    Claim,
    Renew,
    Checkpoint,
    Complete,
    Fail,
    Release,
    GetTask,
    ListTasks,
    DeleteTask,
    Watch,
    Due,
    NextDue,
    Recover,
    Unreferenced,
    Expire,
    Tally,
    CheckTasks,
    PutConcept,
    GetConcept,
    ListConcepts,
    DeleteConcept,
    PutImage,
    StatImage,
    GetImage,
    DeleteImage,
    ListImages,
    CheckImages,
    Publish,
    CheckQueue,
}

/// Each with its labels.
const OPERATIONS: [(Operation, &str, &str); 31] = [
    (Operation::Submit, "tasks", "submit"),
    (Operation::Withdraw, "tasks", "withdraw"),
    (Operation::Claim, "tasks", "claim"),
    (Operation::Renew, "tasks", "renew"),
    (Operation::Checkpoint, "tasks", "checkpoint"),
    (Operation::Complete, "tasks", "complete"),
    (Operation::Fail, "tasks", "fail"),
    (Operation::Release, "tasks", "release"),
    (Operation::GetTask, "tasks", "get"),
    (Operation::ListTasks, "tasks", "list"),
    (Operation::DeleteTask, "tasks", "delete"),
    (Operation::Watch, "tasks", "watch"),
    (Operation::Due, "tasks", "due"),
    (Operation::NextDue, "tasks", "next-due"),
    (Operation::Recover, "tasks", "recover"),
    (Operation::Unreferenced, "tasks", "unreferenced"),
    (Operation::Expire, "tasks", "expire"),
    (Operation::Tally, "tasks", "tally"),
    (Operation::CheckTasks, "tasks", "check"),
    (Operation::PutConcept, "concepts", "put"),
    (Operation::GetConcept, "concepts", "get"),
    (Operation::ListConcepts, "concepts", "list"),
    (Operation::DeleteConcept, "concepts", "delete"),
    (Operation::PutImage, "images", "put"),
    (Operation::StatImage, "images", "stat"),
    (Operation::GetImage, "images", "get"),
    (Operation::DeleteImage, "images", "delete"),
    (Operation::ListImages, "images", "list"),
    (Operation::CheckImages, "images", "check"),
    (Operation::Publish, "queue", "publish"),
    (Operation::CheckQueue, "queue", "check"),
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    store: &'static str,
    operation: &'static str,
}

pub struct Stores {
    /// By operation.
    series: Vec<Series>,
    stored_bytes: Counter,
}

struct Series {
    duration: Histogram,
    errors: Counter,
}

impl Stores {
    pub fn new(registry: &mut Registry) -> Self {
        let durations: Histograms<Labels> = Histograms::new_with_constructor(Buckets::Stores);
        let errors: Family<Labels, Counter> = Family::default();
        let stored_bytes = Counter::default();
        let series = OPERATIONS.iter().map(|(_, store, operation)| {
            let labels = Labels { store, operation };
            Series {
                duration: durations.get_or_create_owned(&labels),
                errors: errors.get_or_create_owned(&labels),
            }
        });
        let series = series.collect();
        registry.register_with_unit(
            "store_operation_duration",
            "What the stores and the queue took; of an image, until its first byte is read or its last is kept",
            Unit::Seconds,
            durations,
        );
        registry.register(
            "store_errors",
            "Operations of the stores and the queue that failed",
            errors,
        );
        registry.register_with_unit(
            "images_stored",
            "What was kept of uploads and refined images",
            Unit::Bytes,
            stored_bytes.clone(),
        );
        Self {
            series,
            stored_bytes,
        }
    }

    async fn timed<T>(
        &self,
        operation: Operation,
        work: Answer<'_, T>,
    ) -> Result<T, CapabilityError> {
        let begin = Instant::now();
        let answer = work.await;
        if let Some(series) = self.series.get(operation as usize) {
            observe(&series.duration, begin.elapsed());
            if answer.is_err() {
                series.errors.inc();
            }
        }
        answer
    }
}

pub struct MeasuredTasks {
    pub metrics: Arc<Metrics>,
    pub tasks: Arc<dyn TaskStore>,
    pub clock: Arc<dyn Clock>,
}

impl MeasuredTasks {
    fn timed<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        work: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(self.metrics.stores.timed(operation, work))
    }

    /// A write by which a worker lets go of its task.
    fn ending<'a>(
        &'a self,
        operation: Operation,
        lease: &'a Lease,
        end: End,
        work: Answer<'a, Fenced>,
    ) -> Answer<'a, Fenced> {
        Box::pin(async move {
            let fenced = self.metrics.stores.timed(operation, work).await?;
            if fenced == Fenced::Done {
                self.metrics.tasks.ended(lease, end, self.clock.now());
            }
            Ok(fenced)
        })
    }
}

impl TaskStore for MeasuredTasks {
    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        let submit = self.tasks.submit(task);
        Box::pin(async move {
            let submission = self.metrics.stores.timed(Operation::Submit, submit).await?;
            if matches!(submission, Submission::Created(_)) {
                self.metrics.tasks.created();
            }
            Ok(submission)
        })
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        let withdraw = self.tasks.withdraw(id, error_message);
        Box::pin(async move {
            let stores = &self.metrics.stores;
            let fenced = stores.timed(Operation::Withdraw, withdraw).await?;
            if fenced == Fenced::Done {
                self.metrics.tasks.could_not_be_published();
            }
            Ok(fenced)
        })
    }

    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        let claim = self.tasks.claim(id, user_id);
        Box::pin(async move {
            let claimed = self.metrics.stores.timed(Operation::Claim, claim).await?;
            if let Some(claimed) = &claimed {
                self.metrics.tasks.claimed(claimed);
            }
            Ok(claimed)
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        self.timed(Operation::Renew, self.tasks.renew(lease))
    }

    fn checkpoint<'a>(&'a self, lease: &'a Lease, image_path: &'a str) -> Answer<'a, Fenced> {
        self.timed(
            Operation::Checkpoint,
            self.tasks.checkpoint(lease, image_path),
        )
    }

    fn complete<'a>(&'a self, lease: &'a Lease, result_id: &'a str) -> Answer<'a, Fenced> {
        let complete = self.tasks.complete(lease, result_id);
        self.ending(Operation::Complete, lease, End::Completed, complete)
    }

    fn fail<'a>(
        &'a self,
        lease: &'a Lease,
        stage: Option<Stage>,
        error_message: &'a str,
    ) -> Answer<'a, Fenced> {
        let fail = self.tasks.fail(lease, stage, error_message);
        self.ending(Operation::Fail, lease, End::Failed(stage), fail)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        let release = self.tasks.release(lease);
        self.ending(Operation::Release, lease, End::Released, release)
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        self.timed(Operation::GetTask, self.tasks.get(user_id, id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        let page = self.tasks.list(user_id, status, limit, after);
        self.timed(Operation::ListTasks, page)
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Deleted>> {
        self.timed(Operation::DeleteTask, self.tasks.delete(user_id, id))
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        self.timed(Operation::Watch, self.tasks.watch(user_id, id))
    }

    fn forgotten(&self, id: &str) -> BoxFuture<'static, ()> {
        self.tasks.forgotten(id)
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> BoxFuture<'a, ()> {
        self.metrics.tasks.began(lease, stage);
        self.tasks.progress(lease, stage)
    }

    fn due(&self, limit: u32) -> Answer<'_, Vec<Task>> {
        self.timed(Operation::Due, self.tasks.due(limit))
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.timed(Operation::NextDue, self.tasks.next_due())
    }

    fn recover(&self) -> Answer<'_, u32> {
        self.timed(Operation::Recover, self.tasks.recover())
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        self.timed(
            Operation::Unreferenced,
            self.tasks.unreferenced(image_paths),
        )
    }

    fn expire(&self, before: Timestamp, limit: u32) -> Answer<'_, Expired> {
        self.timed(Operation::Expire, self.tasks.expire(before, limit))
    }

    fn tally(&self) -> Answer<'_, Tally> {
        self.timed(Operation::Tally, self.tasks.tally())
    }

    fn check(&self) -> Answer<'_, ()> {
        self.timed(Operation::CheckTasks, self.tasks.check())
    }
}

pub struct MeasuredConcepts {
    pub metrics: Arc<Metrics>,
    pub concepts: Arc<dyn ConceptStore>,
}

impl MeasuredConcepts {
    fn timed<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        work: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(self.metrics.stores.timed(operation, work))
    }
}

impl ConceptStore for MeasuredConcepts {
    fn put<'a>(&'a self, lease: &'a Lease, concept: NewConcept) -> Answer<'a, Option<String>> {
        self.timed(Operation::PutConcept, self.concepts.put(lease, concept))
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        self.timed(Operation::GetConcept, self.concepts.get(user_id, id))
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        let page = self.concepts.list(user_id, limit, after);
        self.timed(Operation::ListConcepts, page)
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        self.timed(Operation::DeleteConcept, self.concepts.delete(user_id, id))
    }
}

pub struct MeasuredImages {
    pub metrics: Arc<Metrics>,
    pub images: Arc<dyn ImageStore>,
}

impl MeasuredImages {
    fn timed<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        work: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(self.metrics.stores.timed(operation, work))
    }
}

impl ImageStore for MeasuredImages {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        let length = image.length;
        let put = self.images.put(image, contents);
        Box::pin(async move {
            let stores = &self.metrics.stores;
            let stored = stores.timed(Operation::PutImage, put).await?;
            if matches!(stored, StoredOrNot::Stored(_)) {
                stores.stored_bytes.inc_by(length);
            }
            Ok(stored)
        })
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        self.timed(Operation::StatImage, self.images.stat(path))
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        self.timed(Operation::GetImage, self.images.get(path, range))
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.timed(Operation::DeleteImage, self.images.delete(path))
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        self.images.sign(path, origin)
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        self.images.resolve(url, origin)
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        self.timed(Operation::ListImages, self.images.list(kind))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.timed(Operation::CheckImages, self.images.check())
    }
}

pub struct MeasuredQueue {
    pub metrics: Arc<Metrics>,
    pub queue: Arc<dyn TaskQueue>,
}

impl TaskQueue for MeasuredQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        let publish = self.queue.publish(message);
        Box::pin(self.metrics.stores.timed(Operation::Publish, publish))
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        self.queue.receive()
    }

    fn check(&self) -> Answer<'_, ()> {
        let check = self.queue.check();
        Box::pin(self.metrics.stores.timed(Operation::CheckQueue, check))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_its_own_series() {
        for (position, (operation, store, name)) in OPERATIONS.iter().enumerate() {
            assert_eq!(*operation as usize, position, "{store} {name}");
        }
    }
}
