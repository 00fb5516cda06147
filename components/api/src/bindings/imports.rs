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

use super::issuer;
use crate::ports::{self, Changes, KeyDocument, Ports};

/// How much of an image is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// Methods that only call an import, one line each: arguments and answer are converted.
macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*) -> $answer:ty = $import:path;)+) => { $(
        async fn $method(&self, $($argument: $type),*) -> Result<$answer, CapabilityError> {
            $import($($argument.convert()),*).await.convert()
        }
    )+ };
}

impl Ports for Imports {
    type Contents = StreamReader<u8>;

    forward! {
        submit(task: NewTask) -> Submission = task_store::submit;
        withdraw(id: &str, error_message: &str) -> Fenced = task_store::withdraw;
        renew_session(user: &str, until: Timestamp, owns_images: bool) -> () =
            task_store::renew_session;
        task(user: &str, id: &str) -> Option<Task> = task_store::get;
        tasks(user: &str, status: Option<Status>, limit: u32, after: Option<Position>) -> TaskPage =
            task_store::list;
        used(user: &str, window: Window) -> u32 = task_store::used;
        spending(user: &str, window: Window) -> Spending = task_store::get_spending;
        cancel(user: &str, id: &str) -> Option<Cancellation> = task_store::cancel;
        delete_task(user: &str, id: &str) -> bool = task_store::delete;
        erase_user(user: &str, limit: u32) -> Erased = task_store::erase_user;
        position(task_id: &str) -> Option<u32> = task_queue::position;
        stat(path: &str) -> Option<ImageInfo> = image_store::stat;
        has_uploads(owner: &str) -> bool = image_store::has_uploads;
        delete_image(path: &str) -> () = image_store::delete;
        delete_uploads(owner: &str, limit: u32) -> bool = image_store::delete_uploads;
        sign(path: &str, origin: &str) -> String = image_store::sign;
        resolve(url: &str, origin: &str) -> Option<Resolved> = image_store::resolve;
        concept(user: &str, id: &str) -> Option<Concept> = concept_store::get;
        concepts(user: &str, limit: u32, after: Option<Position>) -> ConceptPage =
            concept_store::list;
        children(user: &str, id: &str, limit: u32) -> Vec<Concept> = concept_store::children;
        find_image(sha256: &str) -> Option<Timestamp> = concept_store::find_image;
        delete_concept(user: &str, id: &str) -> Option<String> = concept_store::delete;
        webhook(user: &str, task_id: &str) -> Option<WebhookDelivery> = webhook_store::get;
        redeliver(user: &str, task_id: &str) -> Redelivery = webhook_store::redeliver;
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

    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        task_queue::publish(message).await.convert()
    }

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

    async fn image(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Self::Contents)>, CapabilityError> {
        let found = image_store::get(path.to_owned(), range.convert()).await;
        let found = found.map_err(|error| error.convert())?;
        Ok(found.map(|(info, contents)| (info.convert(), contents)))
    }

    async fn check(&self) -> Vec<CapabilityState> {
        health::check().await.convert()
    }

    async fn model(&self) -> String {
        health::model().await
    }

    async fn key_set(&self, url: &str) -> Result<KeyDocument, String> {
        issuer::key_set(url).await
    }

    fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(random_bits().to_be_bytes())
            .into_uuid()
            .to_string()
    }

    fn task_id(&self) -> String {
        task::id_at(self.now(), random_bits())
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        wit_bindgen::spawn(work);
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

fn random_bits() -> u128 {
    (u128::from(Imports.random()) << 64) | u128::from(Imports.random())
}

impl ports::Settings for Imports {
    async fn get(&self, name: &str) -> Option<String> {
        settings::get(name.to_owned()).await
    }
}
