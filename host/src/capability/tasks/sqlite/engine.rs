//! SQLite, as the configuration chooses it.

use std::sync::Arc;

use super::{FILE, SqliteTasks};
use crate::capability::engine::{Engine, OpenTasks, TaskEngine, on_a_thread};

/// `sqlite`: a file of the data directory.
pub const ENGINE: TaskEngine = Engine {
    name: "sqlite",
    exists: |config| config.directory.join(FILE).try_exists(),
    open: |config, options| {
        on_a_thread(config, move |config| {
            let store = SqliteTasks::open(&config.directory, options, config.clock)?;
            Ok(store.into())
        })
    },
};

impl From<SqliteTasks> for OpenTasks {
    fn from(store: SqliteTasks) -> Self {
        let store = Arc::new(store);
        Self {
            store: Arc::clone(&store) as _,
            check_damage: Arc::new(move || store.check_damage()),
        }
    }
}
