//! The queue inside the store.

use std::sync::Arc;

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::tasks::{Options, Tasks as _};
use concept_refinement_domain::message::message_for;
use concept_refinement_postgres::SharedQueue;
use concept_refinement_tests::deadline::SOON;
use tokio::time::timeout;
use uuid::Uuid;

use super::{OfFifteen, OnServer, Server};
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

/// It is fetched with others, in one statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_be_read_holds_up_no_other() {
    let queue = Shared::<OfFifteen>::start();
    let bad = queue.message().await.0;
    let spoil = format!("UPDATE task SET updated_at = '1969-01-01' WHERE id = '{bad}' RETURNING 1");
    assert_eq!(queue.on.schema.query(&spoil).lines().next(), Some("1"));
    let (good, message) = queue.message().await;
    queue.queue.publish(message).await.unwrap();
    let delivery = timeout(SOON, queue.queue.receive()).await.unwrap().unwrap();
    assert_eq!(delivery.work().task_id(), Some(&*good));
    delivery.ack().await;
}
