//! The exports; each is a call of the store. A spawned task writes a stream
//! while the caller reads it.

use concept_refinement_domain::capability::CapabilityError;
use wit_bindgen::{StreamReader, StreamResult};

use super::machine::Wasi;
use super::wit::{concept_store, health, image_store, progress, settings, task_store, types};
use super::{Component, generated};
use crate::images::{Contents, Reading};
use crate::log;
use crate::ports::{Fault, Machine as _, Platform};
use crate::store::Store;
use crate::watch::INTERVAL;

/// Chunk size for reading an image, in bytes.
const CHUNK: usize = 64 << 10;

type Answer<T> = Result<T, types::Error>;

fn store<P: Platform>() -> Store<P, Wasi> {
    Store::default()
}

/// The error for the caller; the details go to the log.
fn to_wit_error(fault: Fault) -> types::Error {
    log::warn(format_args!("{fault}"));
    CapabilityError::from(fault).into()
}

impl<P: Platform + 'static> task_store::Guest for Component<P> {
    async fn submit(new_task: task_store::NewTask) -> Answer<task_store::Submission> {
        let submission = store::<P>().submit(new_task.into()).await;
        submission.map(Into::into).map_err(to_wit_error)
    }

    async fn withdraw(id: String, error_message: String) -> Answer<types::Fenced> {
        let fenced = store::<P>().withdraw(&id, &error_message).await;
        fenced.map(Into::into).map_err(to_wit_error)
    }

    async fn claim(id: String, user_id: Option<String>) -> Answer<Option<task_store::Claimed>> {
        let claimed = store::<P>().claim(&id, user_id.as_deref()).await;
        optional(claimed)
    }

    async fn renew(lease: types::Lease) -> Answer<Option<types::Lease>> {
        optional(store::<P>().renew(&lease.into()).await)
    }

    async fn checkpoint(lease: types::Lease, image_path: String) -> Answer<types::Fenced> {
        let fenced = store::<P>().checkpoint(&lease.into(), &image_path).await;
        fenced.map(Into::into).map_err(to_wit_error)
    }

    async fn complete(lease: types::Lease, result_id: String) -> Answer<types::Fenced> {
        let fenced = store::<P>().complete(&lease.into(), &result_id).await;
        fenced.map(Into::into).map_err(to_wit_error)
    }

    async fn fail(lease: types::Lease, error_message: String) -> Answer<types::Fenced> {
        let fenced = store::<P>().fail(&lease.into(), &error_message).await;
        fenced.map(Into::into).map_err(to_wit_error)
    }

    async fn release(lease: types::Lease) -> Answer<types::Fenced> {
        let fenced = store::<P>().release(&lease.into()).await;
        fenced.map(Into::into).map_err(to_wit_error)
    }

    async fn get(user_id: String, id: String) -> Answer<Option<types::Task>> {
        optional(store::<P>().get(&user_id, &id).await)
    }

    async fn list(
        user_id: String,
        status: Option<types::Status>,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<task_store::Page> {
        let (status, after) = (status.map(Into::into), after.map(Into::into));
        let page = store::<P>().list(&user_id, status, limit, after).await;
        page.map(Into::into).map_err(to_wit_error)
    }

    async fn delete(user_id: String, id: String) -> Answer<Option<task_store::Deleted>> {
        optional(store::<P>().delete(&user_id, &id).await)
    }

    async fn watch(
        user_id: String,
        id: String,
    ) -> Answer<Option<StreamReader<task_store::Change>>> {
        let watch = store::<P>()
            .watch(&user_id, &id)
            .await
            .map_err(to_wit_error)?;
        let Some(mut watch) = watch else {
            return Ok(None);
        };
        let (mut writer, reader) = generated::wit_stream::new();
        wit_bindgen::spawn(async move {
            let store = store::<P>();
            while !watch.is_finished() {
                // An empty write shows whether the reader is still there.
                let news = match store.poll(&mut watch).await {
                    Ok(change) => Vec::from_iter(change.map(Into::into)),
                    Err(fault) => return log::warn(format_args!("a watch ends: {fault}")),
                };
                let is_silent = news.is_empty();
                let (result, _) = writer.write(news).await;
                if matches!(result, StreamResult::Dropped) {
                    return;
                }
                if is_silent {
                    store.machine.pause(INTERVAL).await;
                }
            }
        });
        Ok(Some(reader))
    }
}

impl<P: Platform> concept_store::Guest for Component<P> {
    async fn put(
        lease: types::Lease,
        concept: concept_store::NewConcept,
    ) -> Answer<Option<String>> {
        let (lease, concept) = (lease.into(), concept.into());
        optional(store::<P>().put_concept(&lease, concept).await)
    }

    async fn get(user_id: String, id: String) -> Answer<Option<concept_store::Concept>> {
        optional(store::<P>().concept(&user_id, &id).await)
    }

    async fn list(
        user_id: String,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<concept_store::Page> {
        let after = after.map(Into::into);
        let page = store::<P>().concepts(&user_id, limit, after).await;
        page.map(Into::into).map_err(to_wit_error)
    }

    async fn delete(user_id: String, id: String) -> Answer<Option<String>> {
        optional(store::<P>().delete_concept(&user_id, &id).await)
    }
}

impl<P: Platform + 'static> image_store::Guest for Component<P> {
    async fn put(
        image: image_store::NewImage,
        contents: StreamReader<u8>,
    ) -> Answer<image_store::StoredOrNot> {
        let mut contents = Incoming(contents);
        let stored = store::<P>().put_image(image.into(), &mut contents).await;
        stored.map(Into::into).map_err(to_wit_error)
    }

    async fn stat(path: String) -> Answer<Option<image_store::Info>> {
        optional(store::<P>().stat_image(&path).await)
    }

    async fn get(
        path: String,
        range: Option<image_store::Range>,
    ) -> Answer<Option<(image_store::Info, StreamReader<u8>)>> {
        let range = range.map(Into::into);
        let found = store::<P>().get_image(&path, range).await?;
        Ok(found.map(|(info, reading)| (info.into(), outgoing(store::<P>(), reading))))
    }

    async fn delete(path: String) -> Answer<()> {
        store::<P>().delete_image(&path).await.map_err(to_wit_error)
    }

    async fn sign(path: String, origin: String) -> Answer<String> {
        Ok(store::<P>().sign(&path, &origin).await?)
    }

    async fn resolve(url: String, origin: String) -> Answer<Option<image_store::Resolved>> {
        optional(store::<P>().resolve(&url, &origin).await)
    }
}

impl<P: Platform> progress::Guest for Component<P> {
    async fn began(lease: types::Lease, stage: types::Stage) {
        store::<P>().began(&lease.into(), stage.into()).await;
    }
}

impl<P: Platform> settings::Guest for Component<P> {
    async fn get(name: String) -> Option<String> {
        store::<P>().get_setting(&name).await
    }
}

impl<P: Platform> health::Guest for Component<P> {
    async fn check() -> Vec<health::Capability> {
        let states = store::<P>().check().await;
        states.into_iter().map(Into::into).collect()
    }

    async fn model() -> String {
        store::<P>().model().await
    }
}

/// The bytes that a caller sends.
struct Incoming(StreamReader<u8>);

impl Contents for Incoming {
    async fn next(&mut self) -> Option<Vec<u8>> {
        let (result, chunk) = self.0.read(Vec::with_capacity(CHUNK)).await;
        let is_finished = matches!(result, StreamResult::Dropped);
        (!is_finished || !chunk.is_empty()).then_some(chunk)
    }
}

/// Streams an image to the caller. If reading fails, the stream ends early,
/// which the caller sees by the size.
fn outgoing<P: Platform + 'static>(
    store: Store<P, Wasi>,
    mut reading: Reading,
) -> StreamReader<u8> {
    let (mut writer, reader) = generated::wit_stream::new();
    wit_bindgen::spawn(async move {
        loop {
            match store.read(&mut reading).await {
                Ok(Some(chunk)) => {
                    if !writer.write_all(chunk).await.is_empty() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(fault) => return log::warn(format_args!("an image ends early: {fault}")),
            }
        }
    });
    reader
}

fn optional<T, U: From<T>>(answer: Result<Option<T>, Fault>) -> Answer<Option<U>> {
    match answer {
        Ok(answer) => Ok(answer.map(Into::into)),
        Err(fault) => Err(to_wit_error(fault)),
    }
}
