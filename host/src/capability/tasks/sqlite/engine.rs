//! SQLite, as the configuration chooses it.

use std::sync::Arc;

use super::backup::Database;
use super::{FILE, SqliteTasks};
use crate::capability::embedded::{AtRest, Embedded};
use crate::capability::engine::{Engine, OpenTasks, TaskEngine, on_a_thread};
use crate::capability::queue::store::StoreQueue;

/// Tasks in the queue at most; one more is found by the sweep.
const QUEUE_CAPACITY: usize = 100_000;

/// `sqlite`: a file of the data directory.
pub const ENGINE: TaskEngine = Engine {
    name: "sqlite",
    exists: |config| config.directory.join(FILE).try_exists(),
    open: |config, options| {
        on_a_thread(config, move |config| {
            let store = SqliteTasks::open(&config.directory, options, config.clock)?;
            let database = Database::of_open_store(&store.file);
            Ok(OpenTasks::of(store, Some(Arc::new(database))))
        })
    },
    at_rest: |config| {
        on_a_thread(config, move |config| {
            let database = Database::at_rest(&config.directory)?;
            Ok(Some(AtRest {
                store: Arc::new(database),
                images: None,
            }))
        })
    },
    inspect: None,
};

impl OpenTasks {
    /// `embedded`: its file, if it has one.
    pub fn of(store: SqliteTasks, embedded: Option<Arc<dyn Embedded>>) -> Self {
        let store = Arc::new(store);
        let queue = StoreQueue::new(Arc::clone(&store) as _, QUEUE_CAPACITY);
        Self {
            store: Arc::clone(&store) as _,
            queue: Arc::new(queue),
            places: Arc::clone(&store) as _,
            records: Some(Arc::clone(&store) as _),
            check_damage: Arc::new(move || store.check_damage()),
            embedded,
            shared: None,
        }
    }
}
