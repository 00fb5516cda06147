//! All engines. One that is added costs its folder, and a line here.

use std::sync::Arc;

use super::clock::Clock;
use super::directory::OpenError;
use super::engine::{ImageEngine, OpenImages, OpenTasks, QueueEngine, Stores, TaskEngine};
use super::images::memory::MemoryImages;
use super::images::{self, Signing};
use super::queue;
use super::tasks::sqlite::SqliteTasks;
use super::tasks::{self, Options};
use super::upload_places::UploadPlaces;

pub static TASKS: [TaskEngine; 2] = [
    tasks::sqlite::engine::ENGINE,
    tasks::postgres::engine::ENGINE,
];

pub static QUEUES: [QueueEngine; 4] = [
    queue::store::engine::ENGINE,
    queue::nats::engine::ENGINE,
    queue::nats::engine::ENGINE_TLS,
    queue::pubsub::engine::ENGINE,
];

pub static IMAGES: [ImageEngine; 2] = [images::file::engine::ENGINE, images::s3::engine::ENGINE];

/// Where nothing is counted yet, for an image store that is only looked at.
///
/// # Errors
///
/// The engine could not be started.
pub fn no_places(clock: &Arc<dyn Clock>) -> Result<Arc<dyn UploadPlaces>, OpenError> {
    let tasks = SqliteTasks::in_memory(Options::default(), Arc::clone(clock))?;
    Ok(Arc::new(tasks))
}

/// Stores that are gone when they are dropped.
///
/// # Errors
///
/// The engine could not be started.
pub fn in_memory(signing: Signing, clock: &Arc<dyn Clock>) -> Result<Stores, OpenError> {
    let tasks = SqliteTasks::in_memory(Options::default(), Arc::clone(clock))?;
    let tasks = OpenTasks::of(tasks, None);
    Ok(beside(tasks, signing, clock))
}

/// These tasks, with images that are gone when they are dropped.
pub fn beside(tasks: OpenTasks, signing: Signing, clock: &Arc<dyn Clock>) -> Stores {
    let images = MemoryImages::new(signing, Arc::clone(clock));
    Stores {
        queue: Arc::clone(&tasks.queue),
        tasks,
        images: OpenImages {
            store: Arc::new(images),
            restore: None,
            embedded: None,
        },
    }
}
