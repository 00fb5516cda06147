//! Copies the database while it is written to, by SQLite's own means.

use std::os::raw::c_int;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{FILE, LOCK, connection, files, schema};
use crate::capability::OpenError;
use crate::capability::directory::DirectoryLock;
use crate::capability::embedded::Embedded;

/// How long to wait where a step cannot be done yet.
const PAUSE: Duration = Duration::from_millis(50);

/// The database of a directory that this process holds.
pub(super) struct Database {
    file: PathBuf,
    /// A log that there was none of before: to read the database makes one.
    new_log: Option<PathBuf>,
    /// None: the store that is open holds it.
    _lock: Option<DirectoryLock>,
}

impl Database {
    pub(super) fn of_open_store(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            new_log: None,
            _lock: None,
        }
    }

    /// Changes nothing of it.
    pub(super) fn at_rest(directory: &Path) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(directory, LOCK)?;
        let file = directory.join(FILE);
        let log = directory.join(format!("{FILE}-wal"));
        Ok(Self {
            new_log: (!log.exists()).then_some(log),
            file,
            _lock: Some(lock),
        })
    }

    pub(super) fn is_outdated(&self) -> Result<bool, OpenError> {
        let connection = connection::reader(&self.file);
        connection
            .and_then(|connection| schema::is_outdated(&connection))
            .map_err(|error| super::open_error(&self.file, error))
    }

    /// In one step, and so of one moment; the writer goes on meanwhile.
    fn copy(&self, to: &Path) -> rusqlite::Result<()> {
        let from = connection::reader(&self.file)?;
        let mut copy = Connection::open(to)?;
        Backup::new(&from, &mut copy)?.run_to_completion(c_int::MAX, PAUSE, None)?;
        let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        match found.as_str() {
            "ok" => copy.close().map_err(|(_, error)| error),
            problem => Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(problem.to_owned()),
            )),
        }
    }
}

/// Leaves the directory as it was.
impl Drop for Database {
    fn drop(&mut self) {
        if let Some(log) = &self.new_log
            && fs::metadata(log).is_ok_and(|log| log.len() == 0)
        {
            // An empty one does no harm.
            let _ = fs::remove_file(log);
        }
    }
}

impl Embedded for Database {
    fn copy_to(&self, directory: &Path) -> io::Result<()> {
        let to = directory.join(FILE);
        files::create(&to)?;
        self.copy(&to).map_err(io::Error::other)
    }
}
