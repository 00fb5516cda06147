//! All engines. A new one needs its crate, and a line here.

use std::path::Path;
use std::sync::Arc;

use concept_refinement_capability::clock::Clock;
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::engine::{
    ImageEngine, OpenImages, QueueEngine, Stores, TaskEngine,
};
use concept_refinement_capability::images::Signing;
use concept_refinement_capability::tasks::Options;
use concept_refinement_capability::upload_reservations::UploadReservations;
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_embedded::tasks::SqliteTasks;
use concept_refinement_embedded::tasks::engine::open_tasks;

pub static TASKS: &[TaskEngine] = &[
    concept_refinement_embedded::tasks::engine::ENGINE,
    #[cfg(feature = "postgres")]
    concept_refinement_postgres::engine::ENGINE,
    #[cfg(feature = "postgres")]
    concept_refinement_postgres::engine::ENGINE_POSTGRESQL,
];

pub static QUEUES: &[QueueEngine] = &[
    concept_refinement_embedded::queue::engine::ENGINE,
    #[cfg(feature = "nats")]
    concept_refinement_nats::engine::ENGINE,
    #[cfg(feature = "nats")]
    concept_refinement_nats::engine::ENGINE_TLS,
    #[cfg(feature = "pubsub")]
    concept_refinement_pubsub::engine::ENGINE,
];

pub static IMAGES: &[ImageEngine] = &[
    concept_refinement_embedded::images::engine::ENGINE,
    #[cfg(feature = "s3")]
    concept_refinement_s3::engine::ENGINE,
];

/// Whether a store writes files with this path, relative to a data directory, into
/// backups.
pub fn is_store_file(path: &Path) -> bool {
    use concept_refinement_embedded::{images, tasks};
    tasks::engine::is_file(path) || images::engine::is_file(path)
}

/// Whether the databases of a data directory have exactly the tables that this version
/// creates: anything else, such as a trigger, was added by somebody else.
///
/// # Errors
///
/// A database has other tables, or cannot be read.
pub fn verify(data: &Path) -> Result<(), OpenError> {
    use concept_refinement_embedded::{images, tasks};
    tasks::engine::verify(data)?;
    images::engine::verify(data)
}

/// An empty counter, for an image store that is only inspected.
///
/// # Errors
///
/// The engine could not be started.
pub fn no_reservations(clock: &Arc<dyn Clock>) -> Result<Arc<dyn UploadReservations>, OpenError> {
    let tasks = SqliteTasks::in_memory(Options::default(), Arc::clone(clock))?;
    Ok(Arc::new(tasks))
}

/// Stores in memory, which are lost when they are dropped.
///
/// # Errors
///
/// The engine could not be started.
pub fn in_memory(signing: Signing, clock: &Arc<dyn Clock>) -> Result<Stores, OpenError> {
    let tasks = SqliteTasks::in_memory(Options::default(), Arc::clone(clock))?;
    let tasks = open_tasks(tasks, None);
    let images = MemoryImages::new(signing, Arc::clone(clock));
    Ok(Stores {
        queue: Arc::clone(&tasks.queue),
        tasks,
        images: OpenImages {
            store: Arc::new(images),
            restore: None,
            embedded: None,
        },
    })
}
