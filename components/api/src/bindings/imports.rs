//! Implements the ports with the imports.

use std::future::Future;
use std::pin::pin;

use concept_refinement_domain::capability::{
    ByteRange, Cancellation, CapabilityError, CapabilityState, ConceptPage, Erased, Fenced,
    ImageInfo, NewImage, NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::task::{self, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{Redelivery, WebhookDelivery};
use concept_refinement_guest::bindings::{
    concept_store, health, image_store, settings, task_queue, task_store, webhook_store,
};
use concept_refinement_guest::{Clock as _, Imports, Incoming, Random as _};
use futures::StreamExt as _;
use futures::future::{Either, select};
use futures::stream::{self, LocalBoxStream};
use wit_bindgen::{StreamReader, StreamWriter};

use crate::ports::{self, Changes};

/// How much of an image is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

impl ports::TaskStore for Imports {
    async fn submit(&self, task: NewTask) -> Result<Submission, CapabilityError> {
        task_store::submit(task.convert()).await.convert()
    }

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, CapabilityError> {
        let fenced = task_store::withdraw(id.to_owned(), error_message.to_owned()).await;
        fenced.convert()
    }

    async fn renew_session(
        &self,
        user: &str,
        until: Timestamp,
        owns_images: bool,
    ) -> Result<(), CapabilityError> {
        task_store::renew_session(user.to_owned(), until.convert(), owns_images)
            .await
            .convert()
    }

    async fn get(&self, user: &str, id: &str) -> Result<Option<Task>, CapabilityError> {
        task_store::get(user.to_owned(), id.to_owned())
            .await
            .convert()
    }

    async fn list(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, CapabilityError> {
        let (status, after) = (status.convert(), after.convert());
        let page = task_store::list(user.to_owned(), status, limit, after).await;
        page.convert()
    }

    async fn used(&self, user: &str, window: Window) -> Result<u32, CapabilityError> {
        let used = task_store::used(user.to_owned(), window.convert()).await;
        used.convert()
    }

    async fn spending(&self, user: &str, window: Window) -> Result<Spending, CapabilityError> {
        let spending = task_store::get_spending(user.to_owned(), window.convert()).await;
        spending.convert()
    }

    async fn cancel(&self, user: &str, id: &str) -> Result<Option<Cancellation>, CapabilityError> {
        let cancelled = task_store::cancel(user.to_owned(), id.to_owned()).await;
        cancelled.convert()
    }

    async fn delete(&self, user: &str, id: &str) -> Result<bool, CapabilityError> {
        let deleted = task_store::delete(user.to_owned(), id.to_owned()).await;
        deleted.convert()
    }

    async fn erase_user(&self, user: &str, limit: u32) -> Result<Erased, CapabilityError> {
        task_store::erase_user(user.to_owned(), limit)
            .await
            .convert()
    }

    async fn watch(&self, user: &str, id: &str) -> Result<Option<Changes>, CapabilityError> {
        let changes = task_store::watch(user.to_owned(), id.to_owned()).await;
        let changes = changes.map_err(|error| error.convert())?;
        Ok(changes.map(|changes| {
            let changes = stream::unfold(changes, |mut changes| async {
                let change = changes.next().await?;
                Some((change.convert(), changes))
            });
            changes.boxed_local()
        }))
    }
}

impl ports::TaskQueue for Imports {
    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        task_queue::publish(message).await.convert()
    }

    async fn position(&self, task_id: &str) -> Result<Option<u32>, CapabilityError> {
        task_queue::position(task_id.to_owned()).await.convert()
    }
}

impl ports::ImageStore for Imports {
    type Contents = StreamReader<u8>;

    /// The store may answer before it has read everything.
    async fn put(
        &self,
        image: NewImage,
        contents: &mut impl ports::ByteStream,
    ) -> Result<StoredOrNot, CapabilityError> {
        let (writer, reader) = wasip3::wit_stream::new();
        let put = pin!(image_store::put(image.convert(), reader));
        let write = pin!(write_all(contents, writer));
        let outcome = match select(put, write).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), put)) => put.await,
        };
        outcome.convert()
    }

    fn chunks(contents: StreamReader<u8>) -> LocalBoxStream<'static, Vec<u8>> {
        let incoming = Incoming::from(contents).in_chunks_of(CHUNK);
        let chunks = stream::unfold(incoming, |mut incoming| async {
            let chunk = incoming.chunk().await?;
            Some((chunk, incoming))
        });
        chunks.boxed_local()
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        image_store::stat(path.to_owned()).await.convert()
    }

    async fn get(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Self::Contents)>, CapabilityError> {
        let found = image_store::get(path.to_owned(), range.convert()).await;
        let found = found.map_err(|error| error.convert())?;
        Ok(found.map(|(info, contents)| (info.convert(), contents)))
    }

    async fn has_uploads(&self, owner: &str) -> Result<bool, CapabilityError> {
        image_store::has_uploads(owner.to_owned()).await.convert()
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        image_store::delete(path.to_owned()).await.convert()
    }

    async fn delete_uploads(&self, owner: &str, limit: u32) -> Result<bool, CapabilityError> {
        image_store::delete_uploads(owner.to_owned(), limit)
            .await
            .convert()
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        image_store::sign(path.to_owned(), origin.to_owned())
            .await
            .convert()
    }

    async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>, CapabilityError> {
        let resolved = image_store::resolve(url.to_owned(), origin.to_owned()).await;
        resolved.convert()
    }
}

/// Writes all chunks; dropping the writer ends the stream.
async fn write_all(contents: &mut impl ports::ByteStream, mut writer: StreamWriter<u8>) {
    while let Some(chunk) = contents.next().await {
        if !writer.write_all(chunk).await.is_empty() {
            break; // nobody reads any more
        }
    }
}

impl ports::ConceptStore for Imports {
    async fn get(&self, user: &str, id: &str) -> Result<Option<Concept>, CapabilityError> {
        let concept = concept_store::get(user.to_owned(), id.to_owned()).await;
        concept.convert()
    }

    async fn list(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, CapabilityError> {
        let page = concept_store::list(user.to_owned(), limit, after.convert()).await;
        page.convert()
    }

    async fn children(
        &self,
        user: &str,
        id: &str,
        limit: u32,
    ) -> Result<Vec<Concept>, CapabilityError> {
        concept_store::children(user.to_owned(), id.to_owned(), limit)
            .await
            .convert()
    }

    async fn find_image(&self, sha256: &str) -> Result<Option<Timestamp>, CapabilityError> {
        concept_store::find_image(sha256.to_owned()).await.convert()
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<String>, CapabilityError> {
        concept_store::delete(user.to_owned(), id.to_owned())
            .await
            .convert()
    }
}

impl ports::WebhookStore for Imports {
    async fn webhook(
        &self,
        user: &str,
        task_id: &str,
    ) -> Result<Option<WebhookDelivery>, CapabilityError> {
        let delivery = webhook_store::get(user.to_owned(), task_id.to_owned()).await;
        delivery.convert()
    }

    async fn redeliver(&self, user: &str, task_id: &str) -> Result<Redelivery, CapabilityError> {
        let redelivery = webhook_store::redeliver(user.to_owned(), task_id.to_owned()).await;
        redelivery.convert()
    }
}

impl ports::Health for Imports {
    async fn check(&self) -> Vec<CapabilityState> {
        health::check().await.convert()
    }

    async fn model(&self) -> String {
        health::model().await
    }
}

impl ports::Settings for Imports {
    async fn get(&self, name: &str) -> Option<String> {
        settings::get(name.to_owned()).await
    }
}

impl ports::Ids for Imports {
    fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(random_bits().to_be_bytes())
            .into_uuid()
            .to_string()
    }

    fn task_id(&self) -> String {
        task::id_at(self.now(), random_bits())
    }
}

fn random_bits() -> u128 {
    (u128::from(Imports.random()) << 64) | u128::from(Imports.random())
}

impl ports::Background for Imports {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        wit_bindgen::spawn(work);
    }
}
