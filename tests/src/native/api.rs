//! A host's capabilities as the ports of the API.

use bytes::Bytes;
use concept_refinement_api::{self as api, ByteStream};
use concept_refinement_capability::images::Contents;
use concept_refinement_domain::capability::{
    ByteRange, Cancellation, CapabilityError, CapabilityState, ConceptPage, Erased, Fenced,
    ImageInfo, NewImage, NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{Redelivery, WebhookDelivery};
use futures::StreamExt as _;
use futures::stream::{self, LocalBoxStream};

use super::{Native, Outside};

impl<O: Outside> api::Ports for Native<O> {
    type Contents = Contents;

    async fn submit(&self, task: NewTask) -> Result<Submission, CapabilityError> {
        self.host.tasks().submit(task).await
    }

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, CapabilityError> {
        self.host.tasks().withdraw(id, error_message).await
    }

    async fn renew_session(
        &self,
        user: &str,
        until: Timestamp,
        owns_images: bool,
    ) -> Result<(), CapabilityError> {
        let tasks = self.host.tasks();
        tasks.renew_session(user, until, owns_images).await
    }

    async fn task(&self, user: &str, id: &str) -> Result<Option<Task>, CapabilityError> {
        self.host.tasks().get(user, id).await
    }

    async fn tasks(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, CapabilityError> {
        self.host.tasks().list(user, status, limit, after).await
    }

    async fn used(&self, user: &str, window: Window) -> Result<u32, CapabilityError> {
        self.host.tasks().used(user, window).await
    }

    async fn spending(&self, user: &str, window: Window) -> Result<Spending, CapabilityError> {
        self.host.tasks().spending(user, window).await
    }

    async fn cancel(&self, user: &str, id: &str) -> Result<Option<Cancellation>, CapabilityError> {
        self.host.tasks().cancel(user, id).await
    }

    async fn delete_task(&self, user: &str, id: &str) -> Result<bool, CapabilityError> {
        self.host.tasks().delete(user, id).await
    }

    async fn erase_user(&self, user: &str, limit: u32) -> Result<Erased, CapabilityError> {
        self.host.tasks().erase_user(user, limit).await
    }

    async fn watch(&self, user: &str, id: &str) -> Result<Option<api::Changes>, CapabilityError> {
        let changes = self.host.tasks().watch(user, id).await?;
        Ok(changes.map(|changes| changes as api::Changes))
    }

    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        self.host.queue.publish(message).await
    }

    async fn position(&self, task_id: &str) -> Result<Option<u32>, CapabilityError> {
        self.host.queue.position(task_id).await
    }

    async fn put(
        &self,
        image: NewImage,
        contents: &mut impl ByteStream,
    ) -> Result<StoredOrNot, CapabilityError> {
        let mut chunks = Vec::new();
        while let Some(chunk) = contents.next().await {
            chunks.push(Ok(Bytes::from(chunk)));
        }
        let contents = Box::pin(stream::iter(chunks));
        self.host.images.put(image, contents).await
    }

    fn chunks(contents: Contents) -> LocalBoxStream<'static, Vec<u8>> {
        // What cannot be read ends it, as it does between components.
        let chunks = contents.scan((), |(), chunk| std::future::ready(chunk.ok()));
        chunks.map(|chunk| chunk.to_vec()).boxed_local()
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.host.images.stat(path).await
    }

    async fn image(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Contents)>, CapabilityError> {
        self.host.images.get(path, range).await
    }

    async fn has_uploads(&self, owner: &str) -> Result<bool, CapabilityError> {
        self.host.images.has_uploads(owner).await
    }

    async fn delete_image(&self, path: &str) -> Result<(), CapabilityError> {
        self.host.images.delete(path).await
    }

    async fn delete_uploads(&self, owner: &str, limit: u32) -> Result<bool, CapabilityError> {
        self.host.images.delete_uploads(owner, limit).await
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        self.host.images.sign(path, origin).await
    }

    async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>, CapabilityError> {
        self.host.images.resolve(url, origin).await
    }

    async fn concept(&self, user: &str, id: &str) -> Result<Option<Concept>, CapabilityError> {
        self.host.concepts().get(user, id).await
    }

    async fn concepts(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, CapabilityError> {
        self.host.concepts().list(user, limit, after).await
    }

    async fn children(
        &self,
        user: &str,
        id: &str,
        limit: u32,
    ) -> Result<Vec<Concept>, CapabilityError> {
        self.host.concepts().children(user, id, limit).await
    }

    async fn find_image(&self, sha256: &str) -> Result<Option<Timestamp>, CapabilityError> {
        self.host.concepts().find_image(sha256).await
    }

    async fn delete_concept(
        &self,
        user: &str,
        id: &str,
    ) -> Result<Option<String>, CapabilityError> {
        self.host.concepts().delete(user, id).await
    }

    async fn webhook(
        &self,
        user: &str,
        task_id: &str,
    ) -> Result<Option<WebhookDelivery>, CapabilityError> {
        self.host.webhooks().webhook(user, task_id).await
    }

    async fn redeliver(&self, user: &str, task_id: &str) -> Result<Redelivery, CapabilityError> {
        self.host.webhooks().redeliver(user, task_id).await
    }

    async fn check(&self) -> Vec<CapabilityState> {
        self.host.health().await
    }

    async fn model(&self) -> String {
        self.host.model.describe().to_owned()
    }

    async fn key_set(&self, _url: &str) -> Result<api::KeyDocument, String> {
        Err("tokens are signed with a secret here".to_owned())
    }

    fn uuid(&self) -> String {
        self.outside.uuid()
    }

    fn task_id(&self) -> String {
        self.outside.uuid()
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.outside.spawn(Box::pin(work));
    }
}
