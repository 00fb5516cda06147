//! The queue inside the store.

use std::sync::Arc;

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::tasks::{Options, Tasks as _};
use concept_refinement_domain::message::message_for;
use concept_refinement_postgres::SharedQueue;
use uuid::Uuid;

use super::{OnServer, Server};
use crate::queue::QueueBackend;
use crate::tasks::{created, new_task};

pub struct Shared<S> {
    on: OnServer<S>,
    queue: Arc<SharedQueue>,
}

impl<S: Server> QueueBackend for Shared<S> {
    fn start() -> Self {
        let on = OnServer::open(Options::default(), Arc::new(SystemClock));
        let queue = Arc::new(on.store.queue());
        Self { on, queue }
    }

    fn queue(&self) -> Arc<dyn TaskQueue> {
        self.queue.clone()
    }

    async fn message(&self) -> (String, Vec<u8>) {
        let new = new_task(&Uuid::new_v4().to_string());
        let task = created(self.on.store.submit(new).await.unwrap());
        let message = message_for(&task);
        (task.id, message)
    }
}
