//! Garbage collection: removes images that nothing refers to, and, where a
//! retention is set, whatever is older than it.
//!
//! What a crash, a lost race or a failed deletion leaves behind is an image
//! that nothing refers to and nothing ever will. What is old goes row first,
//! then image, so that whatever ends this in between leaves such an image too:
//! it may be stopped at any moment.
//!
//! It never deletes on doubt: only what a store names goes, and whatever went
//! wrong is tried again at the next round. It is never in a hurry either: a
//! batch at a time, with a breather after each, so that no request waits for it.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::ready;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::capability::Capabilities;
use crate::capability::clock::before;
use crate::capability::images::ImageStore;
use crate::capability::tasks::{Expired, Maintenance};

/// Rows or images dealt with in one go.
const BATCH: u32 = 100;

const BREATHER: Duration = Duration::from_millis(50);

/// The time between two looks at all refined images, which is a lot of reading
/// to find the few that were left behind; and the longest between two rounds.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Collects until `stop` is set: at once, since a crash may have left
/// something, and then again and again.
pub async fn run(
    host: Arc<Capabilities>,
    retention: Option<Duration>,
    mut stop: watch::Receiver<bool>,
) {
    tokio::select! {
        () = rounds(&host, retention) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn rounds(host: &Capabilities, retention: Option<Duration>) {
    let (tasks, images) = (host.maintenance(), host.images.as_ref());
    let pause = retention.map_or(HOUR, between_rounds);
    let mut next_look = Instant::now();
    loop {
        if let Some(retention) = retention {
            let age = before(host.clock.now(), retention);
            log(remove_older(tasks, images, age).await, "what is old");
        }
        if next_look <= Instant::now() {
            let removed = remove_unreferenced(tasks, images, ImageKind::Refined, None).await;
            log(removed, "what nothing refers to");
            next_look = Instant::now() + HOUR;
        }
        sleep(pause).await;
    }
}

/// What is kept too long is kept a tenth too long at most, or an hour.
fn between_rounds(retention: Duration) -> Duration {
    (retention / 10).clamp(Duration::from_secs(1), HOUR)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Removed {
    tasks: u64,
    concepts: u64,
    images: u64,
}

fn log(removed: Result<Removed, CapabilityError>, what: &str) {
    match removed {
        Ok(removed) if removed == Removed::default() => {}
        Ok(Removed {
            tasks,
            concepts,
            images,
        }) => tracing::info!(tasks, concepts, images, "removed {what}"),
        Err(error) => tracing::error!(%error, "{what} cannot be removed"),
    }
}

/// Tasks that were finished before then, concepts and uploads that were made
/// before then. The uploads first: on a full disk an image can be deleted, and
/// makes the room that a store needs to forget something.
async fn remove_older(
    tasks: &dyn Maintenance,
    images: &dyn ImageStore,
    age: Timestamp,
) -> Result<Removed, CapabilityError> {
    let mut removed = remove_unreferenced(tasks, images, ImageKind::Upload, Some(age)).await?;
    loop {
        let expired = tasks.expire(age, BATCH).await?;
        if expired == Expired::default() {
            return Ok(removed);
        }
        removed.tasks += u64::from(expired.tasks);
        removed.concepts += u64::from(expired.concepts);
        removed.images += delete(images, expired.image_paths).await;
        sleep(BREATHER).await;
    }
}

/// Images of a kind, and of this age where it is given, that nothing refers to.
async fn remove_unreferenced(
    tasks: &dyn Maintenance,
    images: &dyn ImageStore,
    kind: ImageKind,
    age: Option<Timestamp>,
) -> Result<Removed, CapabilityError> {
    let mut removed = Removed::default();
    let mut batches = images
        .list(kind)
        .await?
        .try_filter(|image| ready(age.is_none_or(|age| image.created_at < age)))
        .map_ok(|image| image.path)
        .try_chunks(usize::try_from(BATCH).unwrap_or(usize::MAX))
        .boxed();
    while let Some(paths) = batches.next().await {
        // What was gathered before the list broke off waits for the next round.
        let paths = paths.map_err(|broken| broken.1)?;
        let unreferenced = tasks.unreferenced(paths).await?;
        removed.images += delete(images, unreferenced).await;
        sleep(BREATHER).await;
    }
    Ok(removed)
}

/// Answers how many went. One that cannot be deleted is none that the others
/// have to wait for.
async fn delete(images: &dyn ImageStore, paths: Vec<String>) -> u64 {
    let mut deleted = 0;
    for path in paths {
        match images.delete(&path).await {
            Ok(()) => deleted += 1,
            Err(error) => tracing::error!(%error, path, "an image cannot be removed"),
        }
    }
    deleted
}

#[cfg(test)]
mod tests;
