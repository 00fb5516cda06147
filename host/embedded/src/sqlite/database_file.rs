//! Copies a database file with SQLite's own means, even while it is being written.

use std::fs::{self, File};
use std::io;
use std::os::raw::c_int;
use std::path::{Path, PathBuf};
use std::time::Duration;

use concept_refinement_capability::embedded::Archive;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{connection, names};

/// Delay before a step that is not possible yet is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Name of an unfinished copy.
const DRAFT: &str = "draft.sqlite";

/// The database's file.
pub(crate) struct DatabaseFile {
    path: PathBuf,
    /// Path of the log, if it did not exist: reading the database creates it.
    new_log: Option<PathBuf>,
}

impl DatabaseFile {
    /// For a store that is open.
    pub(crate) fn in_use(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            new_log: None,
        }
    }

    /// For a store that no process has open; its files are left as they were.
    pub(crate) fn at_rest(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        Self {
            path: path.to_owned(),
            new_log: (!log.exists()).then_some(log),
        }
    }

    pub(crate) fn reader(&self) -> rusqlite::Result<Connection> {
        connection::reader(&self.path)
    }

    /// Adds a copy under this path, after `look` has read it. The copy is made in one
    /// step, so it is a snapshot; the writer can go on meanwhile.
    pub(crate) fn copy_to<T>(
        &self,
        archive: &mut dyn Archive,
        path: &Path,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> io::Result<T> {
        let draft = archive.scratch().join(DRAFT);
        names::create(&draft)?;
        let seen = self.looked_at(&draft, look).map_err(io::Error::other)?;
        let copy = File::open(&draft)?;
        fs::remove_file(&draft)?;
        archive.add(path, copy)?;
        Ok(seen)
    }

    fn looked_at<T>(
        &self,
        draft: &Path,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let copy = self.copied(draft)?;
        let seen = look(&copy)?;
        copy.close().map_err(|(_, error)| error)?;
        Ok(seen)
    }

    fn copied(&self, to: &Path) -> rusqlite::Result<Connection> {
        let from = self.reader()?;
        let mut copy = Connection::open(to)?;
        Backup::new(&from, &mut copy)?.run_to_completion(c_int::MAX, PAUSE, None)?;
        let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        match found.as_str() {
            "ok" => Ok(copy),
            problem => Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(problem.to_owned()),
            )),
        }
    }
}

/// Removes a log that reading has created.
impl Drop for DatabaseFile {
    fn drop(&mut self) {
        if let Some(log) = &self.new_log
            && fs::metadata(log).is_ok_and(|log| log.len() == 0)
        {
            // If this fails: an empty log does no harm.
            let _ = fs::remove_file(log);
        }
    }
}
