//! SQLite as an engine for the configuration.

use std::path::Path;
use std::sync::Arc;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::DirectoryLock;
use concept_refinement_capability::embedded::{AtRest, Embedded};
use concept_refinement_capability::engine::{Engine, Files, OpenTasks, TaskEngine, on_a_thread};

use super::backup::Database;
use super::schema::SCHEMA;
use super::{FILE, LOCK, SqliteTasks};
use crate::queue::StoreQueue;
use crate::sqlite::{self, schema};

/// Limit of tasks in the queue; further ones are found by the sweep.
const QUEUE_CAPACITY: usize = 100_000;

/// `sqlite`: a file in the data directory.
pub const ENGINE: TaskEngine = Engine {
    name: "sqlite",
    check: |_| Ok(()),
    open: |config, options| {
        on_a_thread(config, move |config| {
            let store = SqliteTasks::open(&config.directory, options, config.clock)?;
            let database = Database::of_open_store(&store.file);
            Ok(open_tasks(store, Some(Arc::new(database))))
        })
    },
    files: Some(Files {
        exists: |config| sqlite::exists(&config.directory.join(FILE)),
        lost: |_| Ok(None),
        is_outdated: |config| {
            let _lock = DirectoryLock::acquire(&config.directory, LOCK)?;
            schema::is_outdated(&config.directory.join(FILE), &SCHEMA)
        },
        at_rest: |config| {
            on_a_thread(config, move |config| {
                let database = Database::at_rest(&config.directory)?;
                Ok(AtRest {
                    store: Arc::new(database),
                    images: None,
                })
            })
        },
    }),
    inspect: None,
};

/// Whether a backup may have a file with this path, relative to a data directory.
pub fn is_file(path: &Path) -> bool {
    path == Path::new(FILE)
}

/// Whether the database of a data directory has the tables of this version and nothing
/// else, or does not exist.
///
/// # Errors
///
/// It has other tables, or it cannot be read.
pub fn verify(directory: &Path) -> Result<(), OpenError> {
    schema::verify(&directory.join(FILE), &SCHEMA)
}

/// A store as the host uses it. `embedded`: its file, if it has one.
pub fn open_tasks(mut store: SqliteTasks, embedded: Option<Arc<dyn Embedded>>) -> OpenTasks {
    let last_claims = std::mem::take(&mut store.last_claims);
    let store = Arc::new(store);
    let queue = StoreQueue::new(QUEUE_CAPACITY).of(Arc::clone(&store) as _, last_claims);
    OpenTasks {
        store: Arc::clone(&store) as _,
        pseudonyms: Arc::clone(&store.options.pseudonyms),
        queue: Arc::new(queue),
        upload_reservations: Arc::clone(&store) as _,
        records: Arc::clone(&store) as _,
        administration: Arc::clone(&store) as _,
        check_damage: Arc::new(move || store.check_damage()),
        embedded,
        shared: None,
    }
}
