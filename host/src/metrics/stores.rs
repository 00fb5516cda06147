//! How long the stores and the queue take, by operation, and what else passes
//! through them: tasks that come, go on and end, bytes that are stored.
//!
//! What only computes (signing a URL, resolving one) or waits for an event
//! (receiving a message) is not measured, and neither is what stays in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, Finished, StoredOrNot, Submission,
};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::series::{Buckets, Histograms, observe};
use super::tasks::{End, Tasks};
use crate::capability::images::{ImageOperation, ImageReply, ImageStore};
use crate::capability::intercept::{Interceptor, Operations as _};
use crate::capability::queue::{QueueOperation, QueueReply, TaskQueue};
use crate::capability::tasks::{TaskOperation, TaskReply, TaskStore};
use crate::capability::{Answer, Clock};

const UNMEASURED: [&str; 4] = [
    "tasks progress",
    "images sign",
    "images resolve",
    "queue receive",
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    store: &'static str,
    operation: &'static str,
}

pub struct Stores {
    /// By the names of the operations.
    series: HashMap<&'static str, Series>,
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
        let series = series.collect();
        registry.register_with_unit(
            "store_operation_duration",
            "Duration of store and queue operations; of an image, until its first byte is read or its last is stored",
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
            "Stored bytes of uploads and refined images",
            Unit::Bytes,
            stored_bytes.clone(),
        );
        Self {
            series,
            stored_bytes,
        }
    }

    /// Measures an operation of this name, if it is one of those that are
    /// measured.
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
        Box::pin(async move {
            let Self { tasks, stores, .. } = self;
            if let TaskOperation::Progress { lease, stage } = &operation {
                tasks.began(lease, *stage);
            }
            let end = match &operation {
                TaskOperation::Finish { lease, .. } => Some((*lease, End::Completed)),
                TaskOperation::Fail { lease, stage, .. } => Some((*lease, End::Failed(*stage))),
                TaskOperation::Release { lease } => Some((*lease, End::Released)),
                _ => None,
            };
            let is_withdrawal = matches!(operation, TaskOperation::Withdraw { .. });
            let reply = stores.timed(operation.name(), inner.run(operation)).await?;
            match &reply {
                TaskReply::Submission(Submission::Created(_)) => tasks.created(),
                TaskReply::Fenced(Fenced::Done) if is_withdrawal => tasks.publish_failed(),
                TaskReply::Claimed(Some(claimed)) => tasks.claimed(claimed),
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
        Box::pin(async move {
            let stores = &self.stores;
            let length = match &operation {
                ImageOperation::Put { image, .. } => image.length,
                _ => 0,
            };
            let reply = stores.timed(operation.name(), inner.run(operation)).await?;
            if matches!(reply, ImageReply::Stored(StoredOrNot::Stored(_))) {
                stores.stored_bytes.inc_by(length);
            }
            Ok(reply)
        })
    }
}

impl Interceptor<dyn TaskQueue> for MeasuredStores {
    fn intercept<'a>(
        &'a self,
        operation: QueueOperation,
        inner: &'a Arc<dyn TaskQueue>,
    ) -> Answer<'a, QueueReply> {
        let name = operation.name();
        Box::pin(self.stores.timed(name, inner.run(operation)))
    }
}
