//! The adapter over wasi:filesystem, with a directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use concept_refinement_capability::clock::ManualClock;
use tempfile::TempDir;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::bindings::StoreAdapterPre;
use super::guest::Guest;
use super::{Adapted, Platform, Settings};

pub type Filesystem = Adapted<Directory>;

pub struct Directory(TempDir);

impl Platform for Directory {
    /// `wasmtime serve` tells nobody where a request came to.
    const PUBLIC_URL: Option<&'static str> = Some("http://localhost:8080");

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn copied(&self) -> Self {
        let copy = Self::empty();
        copy_into(self.0.path(), copy.0.path());
        copy
    }

    /// The same: an instance ends between any two calls of the file system.
    fn left(self: &Arc<Self>) -> Arc<Self> {
        Arc::clone(self)
    }

    fn adapter() -> &'static StoreAdapterPre<Guest> {
        static ADAPTER: LazyLock<StoreAdapterPre<Guest>> =
            LazyLock::new(|| super::adapter("adapter-store-filesystem", super::wasi()));
        &ADAPTER
    }

    fn guest(&self, settings: &Settings, clock: Arc<ManualClock>) -> Guest {
        let mut wasi = WasiCtxBuilder::new();
        wasi.preopened_dir(self.0.path(), "/data", FsPerms::ReadWrite)
            .unwrap();
        for (name, value) in settings {
            let name = name.to_uppercase().replace('-', "_");
            wasi.env(format!("REFINEMENT_{name}"), value);
        }
        Guest::new(&mut wasi, None, clock)
    }

    fn images(&self) -> usize {
        let documents = files(&self.0.path().join("documents"));
        let keys: Vec<_> = documents.keys().cloned().collect();
        super::images(&keys, |key| fs::read(&documents[key]).ok())
    }
}

/// The files below a directory, by the keys that they are named after.
fn files(directory: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else {
            let name = path.file_name().unwrap().to_str().unwrap();
            found.insert(name.replace('_', "/"), path);
        }
    }
    found
}

/// What comes or goes meanwhile is there or not.
fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            let _ = fs::copy(entry.path(), target);
        }
    }
}
