//! A directory in the making: a backup, or a data directory that is restored from one.
//!
//! It is filled next to its final path, in a place that is marked as unfinished, and
//! renamed once everything is on the disk. The mark is beside the contents, so that there
//! is no moment at which a draft has none, or what is finished has one.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory;

/// Marker file of a draft, locked by the process that works on it.
const UNFINISHED: &str = "UNFINISHED";

/// Folder with what is renamed in the end.
const CONTENTS: &str = "contents";

/// An unfinished directory, which is removed unless it is finished.
pub struct Draft {
    to: PathBuf,
    place: PathBuf,
    _lock: File,
}

impl Draft {
    /// For a copy of `from`, which it must not be in. None: the source is no directory.
    ///
    /// # Errors
    ///
    /// The target directory is not empty, or the draft cannot be created.
    pub fn create(to: &Path, from: Option<&Path>) -> anyhow::Result<Self> {
        refuse_taken(to)?;
        refuse_within(from, to)?;
        let parent = to.parent().unwrap_or(Path::new("/"));
        refuse_mounted(to, parent)?;
        directory::create(parent)
            .with_context(|| format!("{} cannot be created", parent.display()))?;
        // Checked again, since a path may resolve differently once its directories exist.
        refuse_within(from, to)?;
        let mut place = to.as_os_str().to_owned();
        place.push(".partial");
        let place = PathBuf::from(place);
        remove_left(&place)?;
        create(&place)?;
        let lock = mark(&place)?;
        let draft = Self {
            to: to.to_owned(),
            place,
            _lock: lock,
        };
        create(&draft.contents())?;
        Ok(draft)
    }

    /// For temporary files, which no path in the contents can be.
    pub fn scratch(&self) -> &Path {
        &self.place
    }

    /// The directory that gets the final path.
    pub fn contents(&self) -> PathBuf {
        self.place.join(CONTENTS)
    }

    /// Renames it to its final path, once everything is on the disk.
    ///
    /// # Errors
    ///
    /// It is not at its final path, or may lose it if the power fails now.
    pub fn finish(self) -> anyhow::Result<()> {
        let shown = self.to.display();
        sync(&self.contents())?;
        if let Err(error) = fs::rename(self.contents(), &self.to) {
            refuse_taken(&self.to)?;
            return Err(error).with_context(|| format!("{shown} cannot be replaced"));
        }
        Ok(directory::sync(self.to.parent().unwrap_or(Path::new("/")))?)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Ignored, since an error that caused this is already reported, and the next
        // draft replaces what is left.
        let _ = remove(&self.place);
    }
}

/// Refuses a target that could not be renamed to without replacing anything.
fn refuse_taken(to: &Path) -> anyhow::Result<()> {
    let is_empty = |to| fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none());
    let is_free = match to.symlink_metadata() {
        Ok(found) => found.is_dir() && is_empty(to),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    match is_free {
        true => Ok(()),
        false => bail!(
            "{} is not an empty directory: nothing is replaced",
            to.display()
        ),
    }
}

/// Refuses what nothing can be put in the place of, before anything is written.
fn refuse_mounted(to: &Path, parent: &Path) -> anyhow::Result<()> {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev());
    match (device(to), device(parent)) {
        (Ok(own), Ok(above)) if own != above => bail!(
            "{} is where a disk is mounted, which cannot be replaced: name a directory on it",
            to.display()
        ),
        _ => Ok(()),
    }
}

/// Refuses a target within the directory that it is a copy of, with which it could be
/// lost.
fn refuse_within(from: Option<&Path>, to: &Path) -> anyhow::Result<()> {
    let existing = to.ancestors().find_map(|path| fs::canonicalize(path).ok());
    if let Some(from) = from
        && let (Ok(resolved), Some(existing)) = (fs::canonicalize(from), existing)
        && existing.starts_with(&resolved)
    {
        bail!("{} is in {} itself", to.display(), from.display());
    }
    Ok(())
}

fn create(directory: &Path) -> anyhow::Result<()> {
    let created = DirBuilder::new().mode(0o700).create(directory);
    created.with_context(|| format!("{} cannot be created", directory.display()))
}

/// Marks a new draft as that of this process.
fn mark(place: &Path) -> anyhow::Result<File> {
    let path = place.join(UNFINISHED);
    let lock = File::create(&path)?;
    let is_ours = lock.try_lock().is_ok()
        && fs::metadata(&path).is_ok_and(|found| {
            // Another process may have removed it before it was locked.
            lock.metadata().is_ok_and(|ours| ours.ino() == found.ino())
        });
    match is_ours {
        true => Ok(lock),
        false => bail!("another command is at work in {}", place.display()),
    }
}

/// Removes a draft that no process works on any more.
fn remove_left(place: &Path) -> anyhow::Result<()> {
    let shown = place.display();
    if !place.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let Ok(mark) = File::open(place.join(UNFINISHED)) else {
        // It was not marked yet. What is not empty is not ours, and stays.
        let _ = fs::remove_dir(place);
        return Ok(());
    };
    match mark.try_lock() {
        Ok(()) => remove(place).with_context(|| format!("removing {shown}, which is not whole")),
        Err(TryLockError::WouldBlock) => bail!("another command is at work in {shown}"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| shown.to_string()),
    }
}

/// The mark goes last, so that a removal that is interrupted can be repeated.
fn remove(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false if entry.file_name() == UNFINISHED => {}
            false => fs::remove_file(entry.path())?,
        }
    }
    fs::remove_file(place.join(UNFINISHED))?;
    fs::remove_dir(place)
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
