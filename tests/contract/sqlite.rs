//! SQLite, in memory and on disk.

use std::path::Path;
use std::sync::Arc;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::tasks::TaskStore;
use concept_refinement_embedded::tasks::SqliteTasks;
use tempfile::TempDir;

use crate::administration::Operated;
use crate::tasks::differential::Compared;
use crate::tasks::{Durable, Owned, Rules, TaskBackend};

pub struct InMemory(Arc<SqliteTasks>);

impl TaskBackend for InMemory {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        Self(Arc::new(
            SqliteTasks::in_memory(rules.options(), clock).unwrap(),
        ))
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        self.0.clone()
    }
}

pub struct OnDisk {
    store: Arc<SqliteTasks>,
    place: TempDir,
}

impl TaskBackend for OnDisk {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        let place = tempfile::tempdir().unwrap();
        Self {
            store: open(place.path(), rules, clock),
            place,
        }
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        self.store.clone()
    }
}

impl Operated for InMemory {
    type Engine = SqliteTasks;

    fn engine(&self) -> Arc<SqliteTasks> {
        self.0.clone()
    }
}

impl Operated for OnDisk {
    type Engine = SqliteTasks;

    fn engine(&self) -> Arc<SqliteTasks> {
        self.store.clone()
    }
}

impl Compared for InMemory {
    const HISTORIES: u32 = 400;
    const IS_HOSTS: bool = true;
}

impl Compared for OnDisk {
    const HISTORIES: u32 = 25;
    const IS_HOSTS: bool = true;
}

impl Durable for OnDisk {
    fn restart(self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        let Self { store, place } = self;
        drop(store);
        Self {
            store: open(place.path(), rules, clock),
            place,
        }
    }

    /// A copy of the files at this moment is what a killed process would leave.
    fn crash(&self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        let place = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.place.path()).unwrap() {
            let file = file.unwrap();
            // The log's index is rebuilt, since a copy of it could be
            // inconsistent.
            if !file.file_name().to_str().unwrap().ends_with("-shm") {
                std::fs::copy(file.path(), place.path().join(file.file_name())).unwrap();
            }
        }
        Self {
            store: open(place.path(), rules, clock),
            place,
        }
    }
}

impl Owned for OnDisk {
    fn open_again(&self, rules: Rules, clock: Arc<ManualClock>) -> Result<(), String> {
        SqliteTasks::open(self.place.path(), rules.options(), clock)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

fn open(place: &Path, rules: Rules, clock: Arc<ManualClock>) -> Arc<SqliteTasks> {
    Arc::new(SqliteTasks::open(place, rules.options(), clock).unwrap())
}
