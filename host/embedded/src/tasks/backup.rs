//! The database as a backup copies it.

use std::io;
use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::DirectoryLock;
use concept_refinement_capability::embedded::Embedded;

use super::{FILE, LOCK};
use crate::sqlite::DatabaseFile;

/// The database of a directory that this process holds.
pub(super) struct Database {
    file: DatabaseFile,
    /// None: the store that is open holds it.
    _lock: Option<DirectoryLock>,
}

impl Database {
    pub(super) fn of_open_store(file: &Path) -> Self {
        Self {
            file: DatabaseFile::in_use(file),
            _lock: None,
        }
    }

    /// Changes nothing of it.
    pub(super) fn at_rest(directory: &Path) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(directory, LOCK)?;
        Ok(Self {
            file: DatabaseFile::at_rest(&directory.join(FILE)),
            _lock: Some(lock),
        })
    }
}

impl Embedded for Database {
    fn copy_to(&self, directory: &Path) -> io::Result<()> {
        let copy = self.file.copy(&directory.join(FILE))?;
        copy.close().map_err(|(_, error)| io::Error::other(error))
    }
}
