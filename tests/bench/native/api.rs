//! The host's stores as the ports of the API.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_api::{self as api, Chunks};
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, CapabilityState, ConceptPage, Deleted, Fenced, ImageInfo, NewImage,
    NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_host::capability::Clock;
use concept_refinement_host::capability::concepts::Concepts;
use concept_refinement_host::capability::images::ImageStore;
use concept_refinement_host::capability::queue::TaskQueue;
use concept_refinement_host::capability::tasks::Tasks;
use futures::stream;
use send_wrapper::SendWrapper;
use uuid::Uuid;

pub use concept_refinement_host::capability::images::Contents;

#[derive(Clone)]
pub struct Stores {
    pub tasks: Arc<dyn Tasks>,
    pub concepts: Arc<dyn Concepts>,
    pub images: Arc<dyn ImageStore>,
    pub queue: Arc<dyn TaskQueue>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Clone)]
pub struct Ports(pub Stores);

pub struct Granted(pub BTreeMap<&'static str, &'static str>);

impl api::Settings for Granted {
    async fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }
}

impl api::TaskStore for Ports {
    async fn submit(&self, task: NewTask) -> Result<Submission, CapabilityError> {
        self.0.tasks.submit(task).await
    }

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, CapabilityError> {
        self.0.tasks.withdraw(id, error_message).await
    }

    async fn get(&self, user: &str, id: &str) -> Result<Option<Task>, CapabilityError> {
        self.0.tasks.get(user, id).await
    }

    async fn list(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, CapabilityError> {
        self.0.tasks.list(user, status, limit, after).await
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<Deleted>, CapabilityError> {
        self.0.tasks.delete(user, id).await
    }

    async fn watch(&self, user: &str, id: &str) -> Result<Option<api::Changes>, CapabilityError> {
        let changes = self.0.tasks.watch(user, id).await?;
        Ok(changes.map(|changes| changes as api::Changes))
    }
}

impl api::TaskQueue for Ports {
    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        self.0.queue.publish(message).await
    }
}

impl api::ImageStore for Ports {
    type Contents = Contents;

    /// Uploads are not measured here: it is enough that they work.
    async fn put(
        &self,
        image: NewImage,
        contents: &mut impl Chunks,
    ) -> Result<StoredOrNot, CapabilityError> {
        let mut chunks = Vec::new();
        while let Some(chunk) = contents.next().await {
            chunks.push(Ok(Bytes::from(chunk)));
        }
        let contents = Box::pin(stream::iter(chunks));
        self.0.images.put(image, contents).await
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.0.images.stat(path).await
    }

    async fn get(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Contents)>, CapabilityError> {
        self.0.images.get(path, range).await
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        self.0.images.delete(path).await
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        self.0.images.sign(path, origin).await
    }

    async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>, CapabilityError> {
        self.0.images.resolve(url, origin).await
    }
}

impl api::ConceptStore for Ports {
    async fn get(&self, user: &str, id: &str) -> Result<Option<Concept>, CapabilityError> {
        self.0.concepts.get(user, id).await
    }

    async fn list(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, CapabilityError> {
        self.0.concepts.list(user, limit, after).await
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<String>, CapabilityError> {
        self.0.concepts.delete(user, id).await
    }
}

impl api::Health for Ports {
    async fn check(&self) -> Vec<CapabilityState> {
        Vec::new()
    }

    async fn model(&self) -> String {
        String::new()
    }
}

impl api::Issuer for Ports {
    async fn key_set(&self, _url: &str) -> Result<Vec<u8>, String> {
        Err("tokens are signed with a secret here".to_owned())
    }
}

impl api::Clock for Ports {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl api::Ids for Ports {
    fn uuid(&self) -> String {
        Uuid::new_v4().to_string()
    }
}

impl api::Background for Ports {
    /// On the thread of the API that asks.
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        tokio::spawn(SendWrapper::new(work));
    }
}
