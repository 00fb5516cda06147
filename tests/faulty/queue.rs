//! The queue, and the answers to its deliveries.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::intercept::{Interceptor, Operations as _};
use concept_refinement_capability::queue::{
    Delivery, QueueOperation, QueueReply, Receipt, TaskQueue, Work,
};
use concept_refinement_domain::capability::{CapabilityError, Lease};
use concept_refinement_domain::message::Parsed;
use concept_refinement_tests::faults::Call;
use concept_refinement_tests::flaws::Flaw;
use futures::future::BoxFuture;

use crate::faults::Faults;

pub struct FaultyQueue {
    faults: Arc<Faults>,
    /// Messages that are to be delivered once more.
    repeats: Mutex<VecDeque<Work>>,
}

/// Nobody minds whether a repeat is answered.
struct Repeated;

struct FaultyReceipt {
    faults: Arc<Faults>,
    delivery: Delivery,
}

impl FaultyQueue {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self {
            faults,
            repeats: Mutex::default(),
        }
    }

    async fn next(&self, inner: &Arc<dyn TaskQueue>) -> Result<Delivery, CapabilityError> {
        if let Some(work) = self.repeats.lock().unwrap().pop_front() {
            return Ok(Delivery::new(work, Box::new(Repeated)));
        }
        let delivery = inner.receive().await?;
        let work = delivery.work().clone();
        let named = match &work {
            Work::Message(named) => named.clone(),
            Work::Claimed(claimed) => {
                let Lease {
                    task_id, attempt, ..
                } = &claimed.lease;
                let claim = async {
                    self.faults.note(&format!("claims {task_id}"));
                    self.faults.note(&format!("claimed {task_id} {attempt}"));
                };
                self.faults.around(Call::Claim, claim).await;
                Parsed::Valid {
                    task_id: task_id.clone(),
                    user_id: claimed.task.user_id.clone(),
                }
            }
        };
        if self.faults.delivers_twice() {
            let repeat = match self.faults.flaw() {
                Some(Flaw::ClaimAtomicity) => work.clone(),
                _ => Work::Message(named),
            };
            self.repeats.lock().unwrap().push_back(repeat);
        }
        let receipt = FaultyReceipt {
            faults: Arc::clone(&self.faults),
            delivery,
        };
        Ok(Delivery::new(work, Box::new(receipt)))
    }

    /// Why nothing can be published.
    fn is_down(&self) -> Result<(), CapabilityError> {
        if self.faults.provokes(Call::Withdraw) {
            return Err(CapabilityError::unavailable("A fault of the tests."));
        }
        self.faults.queue_is_down().map_or(Ok(()), Err)
    }
}

impl Interceptor<dyn TaskQueue> for FaultyQueue {
    fn intercept<'a>(
        &'a self,
        operation: QueueOperation<'a>,
        inner: &'a Arc<dyn TaskQueue>,
    ) -> Answer<'a, QueueReply> {
        Box::pin(async move {
            let faults = &self.faults;
            match operation {
                QueueOperation::Publish { .. } => {
                    self.is_down()?;
                    // It may begin at once, and no earlier than the fault before it.
                    let published = async { inner.run(operation).await };
                    faults.around(Call::Publish, published).await
                }
                QueueOperation::Receive { .. } => {
                    let delivery = faults.around(Call::Receive, self.next(inner)).await?;
                    Ok(delivery.into())
                }
                QueueOperation::Position { .. }
                | QueueOperation::Check {}
                | QueueOperation::Length {} => inner.run(operation).await,
            }
        })
    }
}

impl Receipt for FaultyReceipt {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self { faults, delivery } = *self;
            faults.around(Call::Acknowledge, delivery.ack()).await;
        })
    }

    fn nack(self: Box<Self>, delay: Duration, unused: Option<Lease>) -> BoxFuture<'static, ()> {
        match unused {
            Some(_) => Box::pin(self.delivery.nack(delay)),
            None => {
                let (_, acknowledgement) = self.delivery.begin();
                Box::pin(acknowledgement.nack(delay))
            }
        }
    }
}

impl Receipt for Repeated {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn nack(self: Box<Self>, _: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
