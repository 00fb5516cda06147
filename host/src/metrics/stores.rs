//! Durations of store and queue operations, and their effects: tasks that are created,
//! progress and end, and bytes that are stored.
//!
//! Operations that only compute (signing or resolving a URL), wait for an event
//! (receiving a message), or use only memory are not measured.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use concept_refinement_capability::images::{Contents, ImageOperation, ImageReply, ImageStore};
use concept_refinement_capability::intercept::{Interceptor, Operations as _};
use concept_refinement_capability::queue::{QueueOperation, QueueReply, TaskQueue};
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore};
use concept_refinement_capability::{Answer, Clock};
use concept_refinement_domain::capability::{
    Cancellation, CapabilityError, ErrorKind, Fenced, Finished, ImageKind, ImageLimit, StoredOrNot,
    Submission,
};
use concept_refinement_runtime::metrics::series::{
    Buckets, Counters, counters, durations, observe, register, register_in,
};
use futures::StreamExt as _;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::tasks::{End, Tasks};

const UNMEASURED: [&str; 4] = [
    "tasks progress",
    "images sign",
    "images resolve",
    "queue receive",
];

const REASON: &str = "reason";
const NO_ROOM: &str = "no-room";
const BACKLOG: &str = "backlog";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    store: &'static str,
    operation: &'static str,
}

pub struct Stores {
    /// By operation name.
    series: HashMap<&'static str, Series>,
    stored_bytes: Counter,
    refused_uploads: Counters,
    refused_tasks: Counters,
}

struct Series {
    duration: Histogram,
    errors: Counter,
}

impl Stores {
    pub fn new(registry: &mut Registry) -> Self {
        let durations = durations(
            registry,
            "store_operation_duration",
            "Duration of store and queue operations; of an image, until its first byte is read or its last is stored",
            Buckets::Stores,
        );
        let errors: Family<Labels, Counter> = register(
            registry,
            "store_errors",
            "Operations of the stores and the queue that failed",
        );
        let names = [
            TaskOperation::NAMES,
            ImageOperation::NAMES,
            QueueOperation::NAMES,
        ];
        let names = names.into_iter().flatten();
        let measured = names.filter(|name| !UNMEASURED.contains(name));
        let series = measured.filter_map(|name| {
            let (store, operation) = name.split_once(' ')?;
            let labels = Labels { store, operation };
            let series = Series {
                duration: durations.get_or_create_owned(&labels),
                errors: errors.get_or_create_owned(&labels),
            };
            Some((*name, series))
        });
        let stored = "Stored bytes of uploads and refined images";
        Self {
            series: series.collect(),
            stored_bytes: register_in(registry, Unit::Bytes, "images_stored", stored),
            refused_uploads: counters(
                registry,
                "uploads_refused",
                "Uploads that a limit of their user did not admit, or the room of all images",
                REASON,
                ["uploads", "upload-bytes", "under-way", NO_ROOM],
            ),
            refused_tasks: counters(
                registry,
                "tasks_refused",
                "Tasks that were not accepted for want of room, or of places in the backlog",
                REASON,
                [BACKLOG, NO_ROOM],
            ),
        }
    }

    fn upload_refused(&self, reason: &'static str) {
        self.refused_uploads
            .get_or_create(&[(REASON, reason)])
            .inc();
    }

    fn task_refused(&self, reason: &'static str) {
        self.refused_tasks.get_or_create(&[(REASON, reason)]).inc();
    }

    /// Measures an operation, if its name is one of those to be measured.
    async fn timed<T>(&self, name: &str, work: Answer<'_, T>) -> Result<T, CapabilityError> {
        let begin = Instant::now();
        let reply = work.await;
        if let Some(series) = self.series.get(name) {
            observe(&series.duration, begin.elapsed());
            if reply.is_err() {
                series.errors.inc();
            }
        }
        reply
    }
}

/// Measures the stores and the queue.
pub struct MeasuredStores {
    pub stores: Arc<Stores>,
    pub tasks: Arc<Tasks>,
    pub clock: Arc<dyn Clock>,
}

impl Interceptor<dyn TaskStore> for MeasuredStores {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        inner: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        let Self { tasks, stores, .. } = self;
        if let TaskOperation::Progress { lease, stage } = &operation {
            tasks.began(lease, *stage);
        }
        let end = match &operation {
            TaskOperation::Finish { lease, .. } => Some((*lease, End::Completed)),
            TaskOperation::Fail { lease, failure } => Some((*lease, End::Failed(failure.stage))),
            TaskOperation::Release { lease } => Some((*lease, End::Released)),
            _ => None,
        };
        let is_withdrawal = matches!(operation, TaskOperation::Withdraw { .. });
        let is_submission = matches!(operation, TaskOperation::Submit { .. });
        // Not within the future, which would hold the operation.
        let reply = stores.timed(operation.name(), inner.run(operation));
        Box::pin(async move {
            let reply = reply.await;
            if is_submission && matches!(&reply, Err(error) if error.kind == ErrorKind::Full) {
                stores.task_refused(NO_ROOM);
            }
            let reply = reply?;
            match &reply {
                TaskReply::Submission(Submission::BacklogFull(_)) => stores.task_refused(BACKLOG),
                TaskReply::Submission(Submission::Created(_)) => tasks.created(),
                TaskReply::Fenced(Fenced::Done) if is_withdrawal => tasks.publish_failed(),
                TaskReply::Cancelled(Some(Cancellation::Cancelled(_))) => tasks.cancelled(),
                TaskReply::Fenced(Fenced::Done) | TaskReply::Finished(Finished::Done) => {
                    if let Some((lease, end)) = end {
                        tasks.ended(lease, end, self.clock.now());
                    }
                }
                _ => {}
            }
            Ok(reply)
        })
    }
}

impl Interceptor<dyn ImageStore> for MeasuredStores {
    fn intercept<'a>(
        &'a self,
        operation: ImageOperation<'a>,
        inner: &'a Arc<dyn ImageStore>,
    ) -> Answer<'a, ImageReply> {
        let stores = &self.stores;
        let received = Arc::<AtomicU64>::default();
        let (operation, is_upload) = match operation {
            ImageOperation::Put { image, contents } => {
                let is_upload = image.kind == ImageKind::Upload;
                let contents = metered(contents, Arc::clone(&received));
                (ImageOperation::Put { image, contents }, is_upload)
            }
            other => (other, false),
        };
        let reply = stores.timed(operation.name(), inner.run(operation));
        Box::pin(async move {
            let reply = reply.await;
            match &reply {
                Ok(ImageReply::Stored(StoredOrNot::Stored(_))) => {
                    stores.stored_bytes.inc_by(received.load(Ordering::Relaxed));
                }
                Ok(ImageReply::Stored(StoredOrNot::LimitReached(limit))) => {
                    stores.upload_refused(match limit {
                        ImageLimit::Images => "uploads",
                        ImageLimit::Bytes => "upload-bytes",
                        ImageLimit::UnderWay => "under-way",
                    });
                }
                Err(error) if is_upload && error.kind == ErrorKind::Full => {
                    stores.upload_refused(NO_ROOM);
                }
                _ => {}
            }
            reply
        })
    }
}

impl Interceptor<dyn TaskQueue> for MeasuredStores {
    fn intercept<'a>(
        &'a self,
        operation: QueueOperation<'a>,
        inner: &'a Arc<dyn TaskQueue>,
    ) -> Answer<'a, QueueReply> {
        let name = operation.name();
        Box::pin(self.stores.timed(name, inner.run(operation)))
    }
}

/// Counts the bytes as they pass.
fn metered(contents: Contents, received: Arc<AtomicU64>) -> Contents {
    let metered = contents.inspect(move |chunk| {
        let bytes = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        received.fetch_add(bytes, Ordering::Relaxed);
    });
    metered.boxed()
}
