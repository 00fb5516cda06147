//! What the tests of the triggers run against: stores that answer at once, so
//! that they can be tested in virtual time.

use std::sync::{Arc, Mutex};

use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Deleted, Fenced, Lease, NewTask, Position, Submission, TaskPage,
};
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::{BoxFuture, pending, ready};
use tokio::time::Instant;

use crate::capability::clock::ManualClock;
use crate::capability::images::ImageStore;
use crate::capability::model::{ImageModel, ModelAnswer, ModelError, ModelRequest};
use crate::capability::queue::store::StoreQueue;
use crate::capability::tasks::sqlite::{Options, SqliteTasks};
use crate::capability::tasks::{Changes, Expired, Tally, TaskStore};
use crate::capability::{Answer, Capabilities};

pub fn broken() -> CapabilityError {
    CapabilityError::unavailable("It is broken.")
}

pub fn refused<T>() -> Answer<'static, T> {
    Box::pin(async { Err(broken()) })
}

/// Refers to no image, and is asked to forget something. Whatever else it is
/// asked for is refused.
#[derive(Default)]
pub struct Ledger {
    /// When, and what was made before when.
    pub expired: Mutex<Vec<(Instant, Timestamp)>>,
}

struct NoModel;

/// With these stores; the rest is not to be used.
pub fn capabilities(
    tasks: Arc<dyn TaskStore>,
    images: Arc<dyn ImageStore>,
    clock: Arc<ManualClock>,
) -> Capabilities {
    let concepts = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
    Capabilities {
        clock,
        concepts: Arc::new(concepts),
        images,
        queue: Arc::new(StoreQueue::new(tasks.clone(), 1)),
        tasks,
        model: Arc::new(NoModel),
        model_health: Mutex::default(),
    }
}

impl ImageModel for NoModel {
    fn refine(&self, _: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(ready(Err(ModelError::Refused("There is no model.".into()))))
    }

    fn describe(&self) -> &str {
        "no model"
    }
}

impl TaskStore for Ledger {
    fn submit(&self, _: NewTask) -> Answer<'_, Submission> {
        refused()
    }

    fn withdraw<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Fenced> {
        refused()
    }

    fn claim<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        refused()
    }

    fn renew<'a>(&'a self, _: &'a Lease) -> Answer<'a, Option<Lease>> {
        refused()
    }

    fn checkpoint<'a>(&'a self, _: &'a Lease, _: &'a str) -> Answer<'a, Fenced> {
        refused()
    }

    fn complete<'a>(&'a self, _: &'a Lease, _: &'a str) -> Answer<'a, Fenced> {
        refused()
    }

    fn fail<'a>(&'a self, _: &'a Lease, _: Option<Stage>, _: &'a str) -> Answer<'a, Fenced> {
        refused()
    }

    fn release<'a>(&'a self, _: &'a Lease) -> Answer<'a, Fenced> {
        refused()
    }

    fn get<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Task>> {
        refused()
    }

    fn list<'a>(
        &'a self,
        _: &'a str,
        _: Option<Status>,
        _: u32,
        _: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        refused()
    }

    fn delete<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Deleted>> {
        refused()
    }

    fn watch<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Changes>> {
        refused()
    }

    fn forgotten(&self, _: &str) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }

    fn progress<'a>(&'a self, _: &'a Lease, _: Stage) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    fn due(&self, _: u32) -> Answer<'_, Vec<Task>> {
        refused()
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        refused()
    }

    fn recover(&self) -> Answer<'_, u32> {
        refused()
    }

    fn unreferenced(&self, image_paths: Vec<String>) -> Answer<'_, Vec<String>> {
        Box::pin(ready(Ok(image_paths)))
    }

    fn expire(&self, before: Timestamp, _: u32) -> Answer<'_, Expired> {
        self.expired.lock().unwrap().push((Instant::now(), before));
        Box::pin(ready(Ok(Expired::default())))
    }

    fn tally(&self) -> Answer<'_, Tally> {
        refused()
    }

    fn check(&self) -> Answer<'_, ()> {
        refused()
    }
}
