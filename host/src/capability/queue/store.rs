//! The queue inside an embedded task store.
//!
//! The rows are the queue: they are durable, and `recover` and `due` find the
//! tasks that need a message. This holds only their order, in memory, so that
//! workers are woken and need not poll. The message is made from the row when
//! it is delivered.

pub(crate) mod engine;
pub(in crate::capability) mod line;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::message::{self, Parsed};
use futures::FutureExt;
use futures::future::{self, BoxFuture};

use super::{Delivery, Receipt, TaskQueue};
use crate::capability::Answer;
use crate::capability::tasks::handovers::Handovers;
use crate::capability::tasks::pending_releases::PendingReleases;
use crate::capability::tasks::{TaskStore, Tasks};
use crate::runtime::Tokio;
use line::{Entry, Line};

/// Delay until an unanswered delivery is repeated.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// The queue inside a task store.
#[derive(Clone)]
pub struct StoreQueue {
    store: Arc<dyn TaskStore>,
    line: Arc<Line>,
    /// What the store claimed for those who wait in the line.
    handovers: Arc<Handovers>,
    /// Of what no worker asked for.
    pending_releases: Arc<PendingReleases>,
}

impl StoreQueue {
    /// Where the store is not to claim for those who wait. Holds at most `capacity`
    /// tasks. More are not refused, since their rows are stored: they are published
    /// again when they are overdue.
    pub fn new(store: Arc<dyn TaskStore>, capacity: usize) -> Self {
        let runtime = Arc::new(Tokio::default());
        Self::over(
            store,
            Arc::new(Line::new(runtime, capacity)),
            Arc::default(),
        )
    }

    pub(in crate::capability) fn over(
        store: Arc<dyn TaskStore>,
        line: Arc<Line>,
        handovers: Arc<Handovers>,
    ) -> Self {
        Self {
            store,
            line,
            handovers,
            pending_releases: Arc::default(),
        }
    }

    /// Waits for the next task that is not final, and makes its message.
    async fn next(&self) -> Result<Delivery, CapabilityError> {
        loop {
            let entry = self.line.next().await;
            let (task_id, user_id) = (entry.task_id.clone(), entry.user_id.clone());
            // From here on, dropping the receipt puts the task back into the
            // queue.
            let receipt = Taken {
                queue: self.clone(),
                entry: Some(entry),
            };
            self.pending_releases.retry(&*self.store, &task_id).await?;
            let message = match self.handovers.message(&task_id) {
                Some(message) => Some(message),
                None => {
                    let task = Tasks::get(&*self.store, &user_id, &task_id).await?;
                    let task = task.filter(|task| !task.status.is_final());
                    task.as_ref().map(message::message_for)
                }
            };
            match message {
                Some(message) => {
                    return Ok(Delivery::new(Some(task_id), message, Box::new(receipt)));
                }
                None => receipt.forget(),
            }
        }
    }

    /// What was claimed for a worker that did not ask for it is nobody's again.
    async fn release_unasked(&self, task_id: &str) {
        if let Some(claimed) = self.handovers.take(task_id, None) {
            // If this fails, it is done before the task is delivered again.
            let _ = self
                .pending_releases
                .release(&*self.store, claimed.lease)
                .await;
        }
    }
}

impl TaskQueue for StoreQueue {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        let published = match message::parse(&message) {
            Parsed::Valid { task_id, user_id } => {
                self.line.add(Entry { task_id, user_id });
                Ok(())
            }
            Parsed::Unusable { .. } | Parsed::Nonsense => Err(CapabilityError::invalid(
                "The message does not point to a task.",
            )),
        };
        future::ready(published).boxed()
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        Box::pin(self.next())
    }

    /// The queue works if the store does, which is checked separately.
    fn check(&self) -> Answer<'_, ()> {
        future::ready(Ok(())).boxed()
    }
}

/// A delivered task that is not answered yet.
struct Taken {
    queue: StoreQueue,
    /// None once it is answered.
    entry: Option<Entry>,
}

impl Taken {
    fn forget(mut self) {
        self.entry = None;
    }

    fn again(&mut self, delay: Duration) {
        if let Some(entry) = self.entry.take() {
            self.queue.line.add_later(entry, delay);
        }
    }

    async fn release_unasked(&self) {
        if let Some(entry) = &self.entry {
            self.queue.release_unasked(&entry.task_id).await;
        }
    }
}

impl Receipt for Taken {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            self.release_unasked().await;
            self.forget();
        }
        .boxed()
    }

    fn nack(mut self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()> {
        async move {
            self.release_unasked().await;
            self.again(delay);
        }
        .boxed()
    }
}

/// What was claimed for a worker stays so: the next one has it.
impl Drop for Taken {
    fn drop(&mut self) {
        self.again(REDELIVERY_DELAY);
    }
}
