//! The directory that becomes a backup.
//!
//! It is filled next to its final path, in a place that is marked as unfinished, and
//! renamed once everything is on the disk.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory;
use tar::{Archive, EntryType};

/// Marker file in an unfinished backup, locked by the process that makes it.
const UNFINISHED: &str = "UNFINISHED";

/// An unfinished backup, which is removed unless it is finished.
pub struct Draft {
    to: PathBuf,
    place: PathBuf,
    _lock: File,
}

impl Draft {
    /// For a backup of `data`.
    ///
    /// # Errors
    ///
    /// The target directory is not empty, or the draft cannot be created.
    pub fn create(to: &Path, data: &Path) -> anyhow::Result<Self> {
        let shown = to.display();
        if !is_free(to) {
            bail!("{shown} is not an empty directory: nothing is replaced");
        }
        refuse_within(data, to)?;
        let parent = to.parent().unwrap_or(Path::new("/"));
        directory::create(parent)
            .with_context(|| format!("{} cannot be created", parent.display()))?;
        // Checked again, since a path may resolve differently once its directories exist.
        refuse_within(data, to)?;
        let mut place = to.as_os_str().to_owned();
        place.push(".partial");
        let place = PathBuf::from(place);
        remove_left(&place)?;
        DirBuilder::new()
            .mode(0o700)
            .create(&place)
            .with_context(|| format!("{} cannot be created", place.display()))?;
        let lock = File::create(place.join(UNFINISHED))?;
        lock.try_lock()?;
        Ok(Self {
            to: to.to_owned(),
            place,
            _lock: lock,
        })
    }

    /// The directory in which it is made.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Unpacks an archive to its end. Only files below this directory are accepted, since
    /// the sender may have fewer rights than this process.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or the archive contains something else.
    pub fn unpack(&self, mut from: impl Read) -> anyhow::Result<()> {
        let mut archive = Archive::new(&mut from);
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let is_below = path
                .components()
                .all(|component| matches!(component, Component::Normal(_)));
            if entry.header().entry_type() != EntryType::Regular || !is_below {
                bail!("{} is not a file of a backup", path.display());
            }
            let size = entry.size();
            let written = self.write(&path, &mut entry);
            if written.with_context(|| format!("writing {}", path.display()))? != size {
                bail!("{} is not whole", path.display());
            }
        }
        io::copy(&mut from, &mut io::sink())?;
        Ok(())
    }

    fn write(&self, path: &Path, contents: &mut impl Read) -> io::Result<u64> {
        let path = self.place.join(path);
        let folder = path.parent().unwrap_or(&self.place);
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)?;
        // Images that were deleted during the backup appear twice.
        let mut options = directory::private_file();
        let mut file = options.create(true).truncate(true).open(&path)?;
        io::copy(contents, &mut file)
    }

    /// Renames it to its final path, once everything is on the disk.
    ///
    /// # Errors
    ///
    /// The backup is not at its final path.
    pub fn finish(mut self) -> anyhow::Result<()> {
        sync(&self.place)?;
        fs::remove_file(self.place.join(UNFINISHED))?;
        directory::sync(&self.place)?;
        fs::rename(&self.place, &self.to)?;
        self.place = PathBuf::new();
        Ok(directory::sync(self.to.parent().unwrap_or(Path::new("/")))?)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.place != Path::new("") {
            // Ignored, since the error that caused this is already reported.
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

/// Whether a directory can be renamed to this without replacing anything.
fn is_free(to: &Path) -> bool {
    let is_empty = |to| fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none());
    match to.symlink_metadata() {
        Ok(found) => found.is_dir() && is_empty(to),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Refuses a target within the directory that it backs up, with which it could be lost.
fn refuse_within(data: &Path, to: &Path) -> anyhow::Result<()> {
    let existing = to.ancestors().find_map(|path| fs::canonicalize(path).ok());
    if let (Ok(data), Some(existing)) = (fs::canonicalize(data), existing)
        && existing.starts_with(&data)
    {
        bail!("{} is in the data directory itself", to.display());
    }
    Ok(())
}

/// Removes a draft that no process works on any more.
fn remove_left(place: &Path) -> anyhow::Result<()> {
    let Ok(mark) = File::open(place.join(UNFINISHED)) else {
        return Ok(());
    };
    let shown = place.display();
    match mark.try_lock() {
        Ok(()) => fs::remove_dir_all(place)
            .with_context(|| format!("removing {shown}, which is not whole")),
        Err(TryLockError::WouldBlock) => bail!("another backup is being made in {shown}"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| shown.to_string()),
    }
}

/// Makes everything that was written durable.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(directory)?)?;
    #[cfg(not(target_os = "linux"))]
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync(&path)?,
            false => File::open(path)?.sync_all()?,
        }
    }
    directory::sync(directory)
}
