//! How long the stores and the queue take, by operation, and what else passes
//! through them: tasks that come, go on and end, bytes that are stored.
//!
//! What only computes (signing a URL, resolving one) or waits for an event
//! (receiving a message) is not measured.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, Lease, StoredOrNot, Submission,
};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::tasks::End;
use super::{Buckets, Histograms, Metrics, observe};
use crate::capability::images::{ImageOperation, ImageReply, ImageStore};
use crate::capability::intercept::{Interceptor, Operations as _};
use crate::capability::queue::{QueueOperation, QueueReply, TaskQueue};
use crate::capability::tasks::{LeasedOperation, TaskOperation, TaskReply, TaskStore};
use crate::capability::{Answer, Clock};

/// What is measured: store and operation.
const OPERATIONS: [(&str, &str); 31] = [
    ("tasks", "submit"),
    ("tasks", "withdraw"),
    ("tasks", "claim"),
    ("tasks", "renew"),
    ("tasks", "checkpoint"),
    ("tasks", "complete"),
    ("tasks", "fail"),
    ("tasks", "release"),
    ("tasks", "get"),
    ("tasks", "list"),
    ("tasks", "delete"),
    ("tasks", "watch"),
    ("tasks", "due"),
    ("tasks", "next-due"),
    ("tasks", "recover"),
    ("tasks", "unreferenced"),
    ("tasks", "expire"),
    ("tasks", "tally"),
    ("tasks", "check"),
    ("concepts", "put"),
    ("concepts", "get"),
    ("concepts", "list"),
    ("concepts", "delete"),
    ("images", "put"),
    ("images", "stat"),
    ("images", "get"),
    ("images", "delete"),
    ("images", "list"),
    ("images", "check"),
    ("queue", "publish"),
    ("queue", "check"),
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    store: &'static str,
    operation: &'static str,
}

pub struct Stores {
    series: HashMap<(&'static str, &'static str), Series>,
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
        let series = OPERATIONS.into_iter().map(|(store, operation)| {
            let labels = Labels { store, operation };
            let series = Series {
                duration: durations.get_or_create_owned(&labels),
                errors: errors.get_or_create_owned(&labels),
            };
            ((store, operation), series)
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

    /// Measures an operation of this name, if it is one of those that are
    /// measured.
    async fn timed<T>(
        &self,
        name: (&'static str, &'static str),
        work: Answer<'_, T>,
    ) -> Result<T, CapabilityError> {
        let begin = Instant::now();
        let reply = work.await;
        if let Some(series) = self.series.get(&name) {
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
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
}

/// What an operation is to the life of a task, if it takes effect.
enum Move<'a> {
    Create,
    Withdraw,
    Claim,
    End(Cow<'a, Lease>, End<'a>),
    None,
}

impl<'a> Move<'a> {
    fn of(operation: &TaskOperation<'a>) -> Self {
        match operation {
            TaskOperation::Submit(_) => Self::Create,
            TaskOperation::Withdraw { .. } => Self::Withdraw,
            TaskOperation::Claim { .. } => Self::Claim,
            TaskOperation::Leased(lease, operation) => {
                let end = match *operation {
                    LeasedOperation::Complete { .. } => End::Completed,
                    LeasedOperation::Fail { error_message } => End::Failed(error_message),
                    LeasedOperation::Release => End::Released,
                    _ => return Self::None,
                };
                Self::End(lease.clone(), end)
            }
            _ => Self::None,
        }
    }
}

impl Interceptor<dyn TaskStore> for MeasuredStores {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        inner: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        Box::pin(async move {
            let Metrics { tasks, stores, .. } = &*self.metrics;
            if let TaskOperation::Leased(lease, LeasedOperation::Progress(stage)) = &operation {
                tasks.began(lease, *stage);
            }
            let step = Move::of(&operation);
            let reply = stores.timed(operation.name(), inner.run(operation)).await?;
            match (step, &reply) {
                (Move::Create, TaskReply::Submission(Submission::Created(_))) => tasks.created(),
                (Move::Withdraw, TaskReply::Fenced(Fenced::Done)) => {
                    tasks.could_not_be_published();
                }
                (Move::Claim, TaskReply::Claimed(Some(claimed))) => tasks.claimed(claimed),
                (Move::End(lease, end), TaskReply::Fenced(Fenced::Done)) => {
                    tasks.ended(&lease, end, self.clock.now());
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
            let stores = &self.metrics.stores;
            let length = match &operation {
                ImageOperation::Put { image, .. } => image.length,
                _ => 0,
            };
            let name = ("images", operation.name());
            let reply = stores.timed(name, inner.run(operation)).await?;
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
        let name = ("queue", operation.name());
        Box::pin(self.metrics.stores.timed(name, inner.run(operation)))
    }
}
