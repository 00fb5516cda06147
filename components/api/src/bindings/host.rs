//! The imports as ports.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, CapabilityState, ConceptPage, Deleted, Fenced, ImageInfo, NewImage,
    NewTask, Position, Resolved, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use futures::StreamExt as _;
use futures::future::{Either, select};
use futures::stream;
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::random::random;
use wit_bindgen::{StreamReader, StreamWriter};

use super::concept::refinement::{
    concept_store, health, image_store, settings, task_queue, task_store,
};
use crate::ports::{self, Changes};

#[derive(Clone, Copy)]
pub struct Host;

impl ports::TaskStore for Host {
    async fn submit(&self, task: NewTask) -> Result<Submission, CapabilityError> {
        Ok(task_store::submit(task.into()).await?.into())
    }

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, CapabilityError> {
        let fenced = task_store::withdraw(id.to_owned(), error_message.to_owned()).await?;
        Ok(fenced.into())
    }

    async fn get(&self, user: &str, id: &str) -> Result<Option<Task>, CapabilityError> {
        let task = task_store::get(user.to_owned(), id.to_owned()).await?;
        Ok(task.map(Into::into))
    }

    async fn list(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, CapabilityError> {
        let status = status.map(Into::into);
        let after = after.map(Into::into);
        let page = task_store::list(user.to_owned(), status, limit, after).await?;
        Ok(page.into())
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<Deleted>, CapabilityError> {
        let deleted = task_store::delete(user.to_owned(), id.to_owned()).await?;
        Ok(deleted.map(Into::into))
    }

    async fn watch(&self, user: &str, id: &str) -> Result<Option<Changes>, CapabilityError> {
        let changes = task_store::watch(user.to_owned(), id.to_owned()).await?;
        Ok(changes.map(|changes| {
            let changes = stream::unfold(changes, |mut changes| async {
                let change = changes.next().await?;
                Some((change.into(), changes))
            });
            changes.boxed_local()
        }))
    }
}

impl ports::TaskQueue for Host {
    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        Ok(task_queue::publish(message).await?)
    }
}

impl ports::ImageStore for Host {
    type Contents = StreamReader<u8>;

    /// The store may answer before it has read everything.
    async fn put(
        &self,
        image: NewImage,
        contents: &mut impl ports::Chunks,
    ) -> Result<StoredOrNot, CapabilityError> {
        let (writer, reader) = wasip3::wit_stream::new();
        let put = pin!(image_store::put(image.into(), reader));
        let write = pin!(write_all(contents, writer));
        let outcome = match select(put, write).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), put)) => put.await,
        };
        Ok(outcome?.into())
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        let info = image_store::stat(path.to_owned()).await?;
        Ok(info.map(Into::into))
    }

    async fn get(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Self::Contents)>, CapabilityError> {
        let found = image_store::get(path.to_owned(), range.map(Into::into)).await?;
        Ok(found.map(|(info, contents)| (info.into(), contents)))
    }

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        Ok(image_store::delete(path.to_owned()).await?)
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        Ok(image_store::sign(path.to_owned(), origin.to_owned()).await?)
    }

    async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>, CapabilityError> {
        let resolved = image_store::resolve(url.to_owned(), origin.to_owned()).await?;
        Ok(resolved.map(Into::into))
    }
}

/// Writes all chunks; dropping the writer ends the stream.
async fn write_all(contents: &mut impl ports::Chunks, mut writer: StreamWriter<u8>) {
    while let Some(chunk) = contents.next().await {
        if !writer.write_all(chunk).await.is_empty() {
            break; // nobody reads any more
        }
    }
}

impl ports::ConceptStore for Host {
    async fn get(&self, user: &str, id: &str) -> Result<Option<Concept>, CapabilityError> {
        let concept = concept_store::get(user.to_owned(), id.to_owned()).await?;
        Ok(concept.map(Into::into))
    }

    async fn list(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, CapabilityError> {
        let after = after.map(Into::into);
        Ok(concept_store::list(user.to_owned(), limit, after)
            .await?
            .into())
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<String>, CapabilityError> {
        Ok(concept_store::delete(user.to_owned(), id.to_owned()).await?)
    }
}

impl ports::Health for Host {
    async fn check(&self) -> Vec<CapabilityState> {
        health::check().await.into_iter().map(Into::into).collect()
    }

    async fn model(&self) -> String {
        health::model().await
    }
}

impl ports::Settings for Host {
    async fn get(&self, name: &str) -> Option<String> {
        settings::get(name.to_owned()).await
    }
}

impl ports::Clock for Host {
    fn now(&self) -> Timestamp {
        let now = system_clock::now();
        let seconds = u64::try_from(now.seconds).unwrap_or_default();
        Timestamp::from_secs(seconds).plus(Duration::from_nanos(now.nanoseconds.into()))
    }

    async fn sleep(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::wait_for(nanoseconds).await;
    }
}

impl ports::Ids for Host {
    fn uuid(&self) -> String {
        let (high, low) = (random::get_random_u64(), random::get_random_u64());
        let bits = (u128::from(high) << 64) | u128::from(low);
        uuid::Builder::from_random_bytes(bits.to_be_bytes())
            .into_uuid()
            .to_string()
    }
}

impl ports::Background for Host {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        wit_bindgen::spawn(work);
    }
}
