//! Data directories of embedded stores: created durably, and locked by one
//! process at a time.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;
use thiserror::Error;

use super::folder::{Folder, Place, Trust};

/// Why an embedded store could not be opened. For the operator, never for a
/// caller of the API, since it names paths.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process holds this directory.
    #[error(
        "{} is in use by another process: an embedded store belongs to one process at a time",
        .0.display()
    )]
    InUse(PathBuf),
    /// This file has a schema that is not known here.
    #[error(
        "{} was written by another version of this program, whose tables this one cannot use",
        .0.display()
    )]
    OtherVersion(PathBuf),
    /// This file has a schema of the future.
    #[error(
        "{} was changed by a later version of this program, so this one leaves it as it is: start \
         the later one, or restore a backup from before",
        .0.display()
    )]
    LaterVersion(PathBuf),
    /// The contents of this file are damaged.
    #[error(
        "{} is damaged, and nothing in it was changed or deleted: restore a backup",
        .0.display()
    )]
    Damaged(PathBuf),
    /// A server refuses the connection, or is not usable as it is.
    #[error("{server} cannot be used: {reason}")]
    Server {
        /// Its address, without a secret: `Postgres at db.example.com:5432`.
        server: String,
        /// Text, since a source error would be logged a second time as the cause.
        reason: String,
    },
    /// Any other reason.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// A file or a directory.
        path: PathBuf,
        /// Text, since a source error would be logged a second time as the cause.
        reason: String,
    },
}

impl OpenError {
    /// An error about this path.
    pub fn unusable(path: &Path, reason: impl ToString) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// The same of a file that is known by another path.
    pub fn with_path(self, other: impl FnOnce(PathBuf) -> PathBuf) -> Self {
        match self {
            Self::InUse(path) => Self::InUse(other(path)),
            Self::OtherVersion(path) => Self::OtherVersion(other(path)),
            Self::LaterVersion(path) => Self::LaterVersion(other(path)),
            Self::Damaged(path) => Self::Damaged(other(path)),
            Self::Unusable { path, reason } => Self::Unusable {
                path: other(path),
                reason,
            },
            Self::Server { .. } => self,
        }
    }

    /// An error about this server.
    pub fn server(server: impl ToString, reason: impl ToString) -> Self {
        Self::Server {
            server: server.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// Locks a directory for this process. The system releases the lock when the
/// process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    named: NamedFile,
    _file: File,
}

impl DirectoryLock {
    /// `name` is the lock file within the directory, which is created if needed. Two
    /// stores may share a directory if their lock files differ.
    ///
    /// # Errors
    ///
    /// Another process has it, or it cannot be used. Root cannot use a directory of
    /// another user either, who could replace its files by links to other files.
    pub fn acquire(directory: &Path, name: &str) -> Result<Self, OpenError> {
        let unusable = |error: io::Error| OpenError::unusable(directory, error);
        create(directory).map_err(unusable)?;
        let folder = Folder::followed(directory).map_err(unusable)?;
        let lock = Self::of(&folder, name, folder.lock_file(name))?;
        let owner = folder.metadata().map_err(unusable)?.uid();
        if geteuid().is_root() && owner != 0 {
            let why = "who could replace its files: run this as that user";
            let why = format!("it belongs to another user ({owner}), {why}");
            return Err(OpenError::unusable(directory, why));
        }
        Ok(lock)
    }

    /// The same for a directory that is only read, by its descriptor. None: its file system is
    /// read-only, and no process has ever locked it.
    ///
    /// # Errors
    ///
    /// Another process has it, or it cannot be locked.
    pub fn within(folder: &Folder, name: &str) -> Result<Option<Self>, OpenError> {
        match folder.lock_file(name) {
            // Elsewhere it may be mounted for writing, and be in use.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                let found = existing(folder.file(name)).transpose();
                found.map(|file| Self::of(folder, name, file)).transpose()
            }
            opened => Self::of(folder, name, opened).map(Some),
        }
    }

    fn of(folder: &Folder, name: &str, file: io::Result<File>) -> Result<Self, OpenError> {
        let path = folder.path().join(name);
        let unusable = |error: io::Error| OpenError::unusable(&path, error);
        let file = file.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                named: NamedFile::of(&path).map_err(unusable)?,
                _file: file,
            }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.path().to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Fails if the directory was removed or replaced.
    pub fn check(&self) -> io::Result<()> {
        self.named.check()
    }
}

/// An open file that must keep its name.
#[derive(Debug)]
pub struct NamedFile {
    path: PathBuf,
    identity: Identity,
}

impl NamedFile {
    /// The file that has this name now.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(&fs::metadata(path)?),
        })
    }

    /// Fails if the name is gone or belongs to another file. Does not open the file.
    pub fn check(&self) -> io::Result<()> {
        if identity(&fs::metadata(&self.path)?) == self.identity {
            Ok(())
        } else {
            Err(io::Error::other("another file has its name"))
        }
    }
}

/// Whether the file belongs to this user and only this user may write to it.
pub fn is_private(metadata: &Metadata) -> bool {
    const OTHERS_MAY_WRITE: u32 = 0o022;
    let is_ours = metadata.uid() == geteuid().as_raw();
    is_ours && metadata.mode() & OTHERS_MAY_WRITE == 0
}

/// Fails if it is not a directory, or if no file could be created in it, as far as this
/// is known without trying.
pub fn may_be_written(directory: &Path) -> io::Result<()> {
    if !fs::metadata(directory)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(directory, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// The inode of an open file is not reused, even if its name is removed.
type Identity = (u64, u64);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// Creates a directory and its parents durably, for this user only. An existing
/// directory is not changed.
pub fn create(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let (parent, name) = Place::of(directory, Trust::Anybody)?.create(0o700)?;
    match parent.create_folder(name, 0o700) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        made => made.map(drop),
    }?;
    parent.sync()
}

/// The same within a directory that exists, and that belongs to the store.
pub fn add(directory: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {
            return Ok(());
        }
        made => made,
    }?;
    sync(directory.parent().unwrap_or(Path::new("/")))
}

/// Options to open a file for writing; a new file is readable by this user
/// only.
pub fn private_file() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true).mode(0o600);
    options
}

/// None: what was opened or removed does not exist.
pub fn existing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Syncs a directory, so that created, changed and removed names are durable.
pub fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_once_until_it_is_let_go() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("a").join("b");
        let held = DirectoryLock::acquire(&directory, "lock").unwrap();
        let refused = DirectoryLock::acquire(&directory, "lock").unwrap_err();
        assert!(matches!(refused, OpenError::InUse(_)));
        assert!(refused.to_string().contains("in use by another process"));
        drop(held);
        DirectoryLock::acquire(&directory, "lock").unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DirectoryLock::acquire(&file, "lock").unwrap_err();
        assert!(matches!(error, OpenError::Unusable { .. }));
        assert!(error.to_string().starts_with(&file.display().to_string()));
    }

    #[test]
    fn what_others_may_write_to_is_not_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o700, true), (0o755, true), (0o775, false), (0o777, false)] {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(place.path(), permissions).unwrap();
            assert_eq!(
                is_private(&fs::metadata(place.path()).unwrap()),
                expected,
                "{mode:o}"
            );
        }
    }
}
