//! Copies a database file with SQLite's own means, even while it is being written.
//!
//! A copy has the rows of the tables, but no deleted data: `VACUUM` writes the rows
//! anew, while copying pages would copy free pages too.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::private_file;
use concept_refinement_capability::embedded::Archive;
use concept_refinement_capability::folder::Folder;
use rusqlite::Connection;

use super::{connection, is_damage, is_full, names};

/// Name of an unfinished copy.
const DRAFT: &str = "draft.sqlite";

/// Name of the file from which a copy is made, if the database itself must not be
/// changed.
const SOURCE: &str = "source.sqlite";

/// The suffix of a database's log.
const LOG: &str = "-wal";

/// The database's file.
pub(crate) enum DatabaseFile {
    /// For a store that is open.
    InUse(PathBuf),
    /// For a store that no process has open. SQLite opens files by name, and the owner
    /// of the folder could replace them; so it gets a copy of the files.
    AtRest(Folder, &'static str),
}

impl DatabaseFile {
    /// The space that a copy takes in the directory for temporary files, in bytes.
    pub(crate) fn scratch_bytes(&self) -> io::Result<u64> {
        match self {
            Self::InUse(path) => Ok(fs::metadata(path)?.len()),
            // Twice: for the copy, and for the file from which it is made.
            Self::AtRest(folder, name) => {
                let log = folder.look(log_of(name))?.map_or(0, |log| log.bytes);
                let main = folder.look(name)?.map_or(0, |main| main.bytes);
                Ok(2 * main.saturating_add(log))
            }
        }
    }

    /// Adds a copy under this path. `tidy` may delete from the file that is copied, unless
    /// it is in use; `look` reads the copy. The copy is a snapshot, and the writer can
    /// continue meanwhile.
    pub(crate) fn copy_to<T>(
        &self,
        archive: &mut dyn Archive,
        path: &Path,
        tidy: impl FnOnce(&Connection) -> rusqlite::Result<()>,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> io::Result<T> {
        let draft = Temporary(archive.scratch().join(DRAFT));
        names::create(&draft.0)?;
        let seen = match self {
            Self::InUse(path) => copied(path, &draft.0, |_| Ok(()), look),
            Self::AtRest(..) => copied(&self.private(archive.scratch())?.0, &draft.0, tidy, look),
        };
        let seen = seen.map_err(|error| {
            if is_full(&error) {
                let why = format!("there is no room for a copy of {}", path.display());
                io::Error::new(io::ErrorKind::StorageFull, why)
            } else if is_damage(&error) {
                io::Error::other(OpenError::Damaged(path.to_owned()))
            } else {
                io::Error::other(error)
            }
        })?;
        let copy = File::open(&draft.0)?;
        drop(draft);
        archive.add(path, copy)?;
        Ok(seen)
    }

    /// A copy of the files as they are, in a folder where nobody else can replace them.
    pub(crate) fn private(&self, scratch: &Path) -> io::Result<Temporary> {
        let Self::AtRest(folder, name) = self else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let copy = Temporary(scratch.join(SOURCE));
        let files = [
            (name.to_string(), SOURCE.into()),
            (log_of(name), log_of(SOURCE)),
        ];
        for (name, to) in files {
            match folder.file(&name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && name.ends_with(LOG) => {}
                opened => {
                    let named = |error| io::Error::other(format!("{name}: {error}"));
                    let mut opened = opened.map_err(named)?;
                    let mut options = private_file();
                    let mut to = options.create_new(true).open(scratch.join(to))?;
                    io::copy(&mut opened, &mut to)?;
                }
            }
        }
        Ok(copy)
    }
}

/// A database that is removed when this is dropped, with its log.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // If this fails, the file is removed with its folder.
        let _ = fs::remove_file(&self.0);
        let mut log = self.0.clone().into_os_string();
        log.push(LOG);
        let _ = fs::remove_file(log);
    }
}

fn log_of(name: &str) -> String {
    format!("{name}{LOG}")
}

fn copied<T>(
    from: &Path,
    to: &Path,
    tidy: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let from = connection::copier(from)?;
    tidy(&from)?;
    from.execute("VACUUM INTO ?", [to.to_string_lossy()])?;
    let copy = Connection::open(to)?;
    let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(damaged, Some(found)));
    }
    let seen = look(&copy)?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(seen)
}
