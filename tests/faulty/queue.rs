//! The queue, and the answers to its deliveries.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_host::capability::Answer;
use concept_refinement_host::capability::queue::{Delivery, Receipt, TaskQueue};
use concept_refinement_tests::faults::Call;
use futures::future::BoxFuture;

use crate::faults::Faults;

pub struct FaultyQueue {
    faults: Arc<Faults>,
    queue: Arc<dyn TaskQueue>,
    /// Messages that are to be delivered once more.
    repeats: Mutex<VecDeque<Vec<u8>>>,
}

/// Nobody minds whether a repeat is answered.
struct Repeated;

struct FaultyReceipt {
    faults: Arc<Faults>,
    delivery: Delivery,
}

impl FaultyQueue {
    pub fn new(faults: Arc<Faults>, queue: Arc<dyn TaskQueue>) -> Self {
        Self {
            faults,
            queue,
            repeats: Mutex::default(),
        }
    }

    async fn next(&self) -> Result<Delivery, CapabilityError> {
        if let Some(message) = self.repeats.lock().unwrap().pop_front() {
            return Ok(Delivery::new(message, Box::new(Repeated)));
        }
        let delivery = self.queue.receive().await?;
        let message = delivery.message.clone();
        if self.faults.delivers_twice() {
            self.repeats.lock().unwrap().push_back(message.clone());
        }
        let receipt = FaultyReceipt {
            faults: Arc::clone(&self.faults),
            delivery,
        };
        Ok(Delivery::new(message, Box::new(receipt)))
    }
}

impl TaskQueue for FaultyQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        Box::pin(async move {
            if self.faults.provokes(Call::Withdraw) {
                return Err(CapabilityError::unavailable("A fault of the tests."));
            }
            if let Some(error) = self.faults.queue_is_down() {
                return Err(error);
            }
            let published = self.queue.publish(message);
            self.faults.around(Call::Publish, published).await
        })
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(self.faults.around(Call::Receive, self.next()))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.queue.check()
    }
}

impl Receipt for FaultyReceipt {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self { faults, delivery } = *self;
            faults.around(Call::Acknowledge, delivery.ack()).await;
        })
    }

    fn nack(self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.delivery.nack(delay))
    }
}

impl Receipt for Repeated {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn nack(self: Box<Self>, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
