//! An unfinished directory: a backup, or a data directory that is restored from one.
//!
//! A draft is filled next to its final path, in a folder with a marker file, and renamed
//! once everything is on disk. The marker is beside the contents, so that a draft always
//! has one and a finished directory never does. The parent folder is opened once, and no
//! other user can replace anything in it.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory::existing;
use concept_refinement_capability::folder::{Folder, Place, Trust};
use rustix::process::geteuid;

/// Marker file of a draft, locked by the process that works on it.
const UNFINISHED: &str = "UNFINISHED";

/// Folder with the contents, which is renamed in the end.
const CONTENTS: &str = "contents";

/// An unfinished directory, which is removed unless it is finished.
pub struct Draft {
    parent: Folder,
    /// The paths of the finished directory and of the draft.
    name: OsString,
    partial: OsString,
    place: Folder,
    contents: Folder,
    _lock: File,
}

impl Draft {
    /// Creates a draft for a copy of `from`, in which it must not be. None: the source
    /// is not a directory.
    ///
    /// # Errors
    ///
    /// The target directory is not empty, other users could replace files there, or the
    /// draft cannot be created.
    pub fn create(to: &Path, from: Option<&Folder>) -> anyhow::Result<Self> {
        let shown = || format!("{} cannot be created", to.display());
        let place = Place::of(to, Trust::Own).with_context(shown)?;
        if let Some(from) = from
            && place.path().starts_with(from.path())
            && place.path() != from.path()
        {
            bail!("{} is in {} itself", to.display(), from.path().display());
        }
        let (parent, name) = place.create(0o700).with_context(shown)?;
        refuse_taken(&parent, &name)?;
        refuse_mounted(&parent, &name)?;
        let mut partial = name.clone();
        partial.push(".partial");
        remove_left(&parent, &partial)?;
        let place = create(&parent, &partial)?;
        let lock = mark(&place)?;
        let contents = create(&place, CONTENTS)?;
        Ok(Self {
            parent,
            name,
            partial,
            place,
            contents,
            _lock: lock,
        })
    }

    /// A folder for temporary files, whose path cannot occur in the contents. Nobody
    /// else can rename a folder on this path.
    pub fn scratch(&self) -> &Path {
        self.place.path()
    }

    /// The directory that gets the final path.
    pub fn contents(&self) -> &Folder {
        &self.contents
    }

    /// The empty directory that it will replace, if there is one.
    pub fn replaced(&self) -> anyhow::Result<Option<Folder>> {
        Ok(existing(self.parent.folder(&self.name))?)
    }

    /// Gives it the owner and the mode of another directory.
    pub fn give(&self, like: &Folder) -> io::Result<()> {
        let (own, like) = (self.contents.metadata()?, like.metadata()?);
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            self.contents.give(like.uid(), like.gid())?;
        }
        let mode = PermissionsExt::from_mode(like.mode() & 0o7777);
        self.contents.as_file().set_permissions(mode)
    }

    /// Renames it to its final path, once everything is on the disk.
    ///
    /// # Errors
    ///
    /// It is not at its final path, or may not be there after a power loss.
    pub fn finish(self) -> anyhow::Result<()> {
        sync(&self.contents)?;
        if let Err(error) = self.place.rename(CONTENTS, &self.parent, &self.name) {
            refuse_taken(&self.parent, &self.name)?;
            let shown = path(&self.parent, &self.name);
            return Err(error).with_context(|| format!("{} cannot be replaced", shown.display()));
        }
        Ok(self.parent.sync()?)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Ignored, because the error that led here is already reported, and the next
        // draft replaces the remains.
        let _ = remove(&self.parent, &self.partial, &self.place);
    }
}

fn path(parent: &Folder, name: impl AsRef<Path>) -> PathBuf {
    parent.path().join(name)
}

/// Refuses a target that a rename could not create without replacing something, or
/// that another user has created in a shared folder.
fn refuse_taken(parent: &Folder, name: &OsString) -> anyhow::Result<()> {
    let shown = path(parent, name);
    let shown = shown.display();
    let Some(found) = parent.look(name)? else {
        return Ok(());
    };
    let is_empty = || {
        let names = parent.folder(name).and_then(|folder| folder.names());
        names.is_ok_and(|names| names.is_empty())
    };
    if !found.is_folder() || !is_empty() {
        bail!("{shown} is not an empty directory: nothing is replaced");
    }
    let others_may_make_it = parent.metadata()?.mode() & 0o022 != 0;
    if others_may_make_it && found.owner != 0 && found.owner != geteuid().as_raw() {
        bail!("{shown} was made by another user ({})", found.owner);
    }
    Ok(())
}

/// Refuses a target that cannot be replaced, before anything is written.
fn refuse_mounted(parent: &Folder, name: &OsString) -> anyhow::Result<()> {
    let above = parent.metadata()?.dev();
    let own = parent.folder(name).and_then(|folder| folder.metadata());
    if own.is_ok_and(|own| own.dev() != above) {
        bail!(
            "{} is where a disk is mounted, which cannot be replaced: name a directory on it",
            path(parent, name).display()
        );
    }
    Ok(())
}

fn create(parent: &Folder, name: impl AsRef<Path>) -> anyhow::Result<Folder> {
    let name = name.as_ref();
    let created = parent.create_folder(name, 0o700);
    created.with_context(|| format!("{} cannot be created", path(parent, name).display()))
}

/// Marks a new draft as that of this process.
fn mark(place: &Folder) -> anyhow::Result<File> {
    let lock = place.create_file(UNFINISHED, 0o600)?;
    let is_ours = lock.try_lock().is_ok()
        && place.look(UNFINISHED)?.is_some_and(|found| {
            // Another process may have removed it before it was locked.
            lock.metadata().is_ok_and(|ours| ours.ino() == found.inode)
        });
    match is_ours {
        true => Ok(lock),
        false => bail!("another command is at work in {}", place.path().display()),
    }
}

/// Removes a draft that no process works on any more.
fn remove_left(parent: &Folder, partial: &OsString) -> anyhow::Result<()> {
    let Ok(place) = parent.folder(partial) else {
        return Ok(());
    };
    let owner = place.metadata()?.uid();
    let Ok(mark) = place.file(UNFINISHED) else {
        // It was not marked yet. A folder that is not empty is not ours, and stays.
        let _ = parent.remove(partial);
        return Ok(());
    };
    if owner != geteuid().as_raw() {
        // Nor is one whose contents its owner can still change.
        return Ok(());
    }
    let shown = place.path().display();
    match mark.try_lock() {
        Ok(()) => remove(parent, partial, &place)
            .with_context(|| format!("removing {shown}, which is not whole")),
        Err(TryLockError::WouldBlock) => bail!("another command is at work in {shown}"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| shown.to_string()),
    }
}

/// The marker is removed last, so that an interrupted removal can be repeated.
fn remove(parent: &Folder, partial: &OsString, place: &Folder) -> io::Result<()> {
    for name in place.names()? {
        if name != UNFINISHED {
            place.remove_all(name)?;
        }
    }
    place.remove(UNFINISHED)?;
    parent.remove(partial)
}

/// Syncs everything that was written.
fn sync(folder: &Folder) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(folder.as_file())?;
    #[cfg(not(target_os = "linux"))]
    for name in folder.names()? {
        match folder.folder(&name) {
            Ok(below) => sync(&below)?,
            Err(_) => folder.file(&name)?.sync_all()?,
        }
    }
    folder.sync()
}
