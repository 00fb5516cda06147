//! The database as seen by a backup.

use std::io;
use std::path::Path;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::DirectoryLock;
use concept_refinement_capability::embedded::{Archive, Embedded, NamedImages};
use concept_refinement_capability::folder::Folder;
use rusqlite::Connection;

use super::{FILE, LOCK};
use crate::sqlite::DatabaseFile;

/// The database of a directory that this process has locked.
pub(super) struct Database {
    file: DatabaseFile,
    /// None: the open store has the lock, or nobody can have it.
    _lock: Option<DirectoryLock>,
}

impl Database {
    pub(super) fn of_open_store(file: &Path) -> Self {
        Self {
            file: DatabaseFile::InUse(file.to_owned()),
            _lock: None,
        }
    }

    /// Does not change the database.
    pub(super) fn at_rest(directory: &Path) -> Result<Self, OpenError> {
        let folder = Folder::open(directory);
        let folder = folder.map_err(|error| OpenError::unusable(directory, error))?;
        let lock = DirectoryLock::within(&folder, LOCK)?;
        Ok(Self {
            file: DatabaseFile::AtRest(folder, FILE),
            _lock: lock,
        })
    }
}

impl Embedded for Database {
    fn scratch_bytes(&self) -> io::Result<u64> {
        self.file.scratch_bytes()
    }

    fn copy_to(
        &self,
        archive: &mut dyn Archive,
        named: &mut NamedImages,
    ) -> io::Result<Vec<(&'static str, u64)>> {
        let nothing = |_: &_| Ok(());
        self.file
            .copy_to(archive, Path::new(FILE), nothing, |copy| {
                note_images(copy, named)?;
                let counts = [
                    ("tasks", "SELECT count(*) FROM task"),
                    ("concepts", "SELECT count(*) FROM concept"),
                ];
                let counts = counts.into_iter().map(|(what, query)| {
                    let count: u32 = copy.query_row(query, [], |row| row.get(0))?;
                    Ok((what, count.into()))
                });
                counts.collect()
            })
    }
}

fn note_images(copy: &Connection, named: &mut NamedImages) -> rusqlite::Result<()> {
    let mut concepts = copy.prepare("SELECT image_path, id FROM concept")?;
    let mut concepts = concepts.query([])?;
    while let Some(concept) = concepts.next()? {
        let (image_path, id): (String, String) = (concept.get(0)?, concept.get(1)?);
        named.add(&image_path, &id);
    }
    Ok(())
}
