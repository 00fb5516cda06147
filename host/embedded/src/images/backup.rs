//! Copies the images while they are used. What is removed meanwhile waits in a
//! folder of its own, so that all images that were there are copied.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::DirectoryLock;
use concept_refinement_capability::embedded::Embedded;
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_path::{ImagePath, folder};
use parking_lot::RwLock;

use super::engine::FOLDER;
use super::listing::entries;
use super::small::AtRest;
use super::{FileImages, store};

/// What was removed while the store was held.
const REMOVED: &str = "removed";

const KINDS: [ImageKind; 2] = [ImageKind::Upload, ImageKind::Refined];

/// How images are removed.
#[derive(Default)]
pub(super) struct Removal {
    is_held: RwLock<bool>,
    /// An image is gone that a copy may need.
    has_lost: AtomicBool,
}

impl Removal {
    /// Removes the file of an image.
    pub(super) fn remove(&self, root: &Path, path: &ImagePath) -> io::Result<()> {
        let file = file_of(root, path);
        let is_held = self.is_held.read();
        if *is_held {
            let place = file_of(&root.join(REMOVED), path);
            let parent = place.parent().unwrap_or(root);
            if create(parent)
                .and_then(|()| fs::rename(&file, &place))
                .is_ok()
            {
                return Ok(());
            }
            // It may be a full disk, where whoever makes room is not refused.
            self.has_lost.store(true, Ordering::Relaxed);
        }
        fs::remove_file(file)
    }

    /// Removes what a process before this one left of a copy.
    pub(super) fn clear(root: &Path) -> io::Result<()> {
        match fs::remove_dir_all(root.join(REMOVED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn set_held(&self, held: bool) {
        *self.is_held.write() = held;
    }
}

impl Embedded for FileImages {
    fn hold(&self) {
        self.store.removal.has_lost.store(false, Ordering::Relaxed);
        self.store.removal.set_held(true);
        self.store.small.hold();
    }

    fn copy_to(&self, directory: &Path) -> io::Result<()> {
        copy(&self.store.root, directory)?;
        self.store.small.copy_to(&directory.join(FOLDER))?;
        self.store.lock.check()?;
        if self.store.removal.has_lost.load(Ordering::Relaxed) {
            return Err(io::Error::other("an image was removed meanwhile"));
        }
        Ok(())
    }

    fn release(&self) {
        self.store.small.release();
        self.store.removal.set_held(false);
        if let Err(error) = Removal::clear(&self.store.root) {
            tracing::warn!(%error, "removed images are left until the next start");
        }
    }
}

/// The images of a directory that this process holds without a store.
pub(super) struct Folders {
    root: PathBuf,
    small: Option<AtRest>,
    _lock: DirectoryLock,
}

impl Folders {
    /// Changes nothing of them.
    pub(super) fn at_rest(root: &Path) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(root, store::LOCK)?;
        let small = AtRest::of(root)?;
        Ok(Self {
            root: root.to_owned(),
            small,
            _lock: lock,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn small(&self) -> Option<&AtRest> {
        self.small.as_ref()
    }
}

impl Embedded for Folders {
    fn copy_to(&self, directory: &Path) -> io::Result<()> {
        copy(&self.root, directory)?;
        let to = directory.join(FOLDER);
        self.small
            .as_ref()
            .map_or(Ok(()), |small| small.copy_to(&to))
    }
}

/// Those that were removed come last: an image is in one place or the other.
fn copy(root: &Path, directory: &Path) -> io::Result<()> {
    let to = directory.join(FOLDER);
    for from in [root.to_owned(), root.join(REMOVED)] {
        for kind in KINDS.map(folder) {
            create(&to.join(kind))?;
            for of_owner in entries(from.join(kind))? {
                copy_folder(&of_owner, &to.join(kind))?;
            }
        }
    }
    Ok(())
}

fn copy_folder(of_owner: &Path, to: &Path) -> io::Result<()> {
    let to = to.join(of_owner.file_name().unwrap_or_default());
    for file in entries(of_owner.to_owned())? {
        let Some(name) = file.file_name().filter(|_| file.is_file()) else {
            continue;
        };
        create(&to)?;
        match fs::copy(&file, to.join(name)) {
            // It is with those that were removed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => drop(copied?),
        }
    }
    Ok(())
}

fn create(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory)
}

fn file_of(root: &Path, path: &ImagePath) -> PathBuf {
    root.join(folder(path.kind))
        .join(&path.tag)
        .join(&path.name)
}
