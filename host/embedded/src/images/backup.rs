//! Copies images while the store is in use. Images deleted meanwhile are moved to a
//! separate folder, so that every image that existed at the start is copied.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Seek as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::{DirectoryLock, existing};
use concept_refinement_capability::embedded::{Archive, Embedded, NamedImages};
use concept_refinement_capability::folder::{Entry, Folder};
use concept_refinement_capability::upload_reservations::ImageKey;
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_path::{ImagePath, folder};
use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};

use super::engine::FOLDER;
use super::envelope;
use super::small::{self, AtRest};
use super::{FileImages, store};

/// Folder of images that were deleted while the store was held.
const REMOVED: &str = "removed";

pub(super) const KINDS: [ImageKind; 2] = [ImageKind::Upload, ImageKind::Refined];

/// Deletes images, or moves them while the store is held.
#[derive(Default)]
pub(super) struct Removal {
    is_held: RwLock<bool>,
    /// An image that a copy may need could not be kept.
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
            let moved = create(parent).and_then(|()| fs::rename(&file, &place));
            if moved.is_ok() {
                return Ok(());
            }
            // The disk may be full, and deletions have to succeed then.
            self.has_lost.store(true, Ordering::Relaxed);
        }
        fs::remove_file(file)
    }

    /// Removes the remains of a previous process's interrupted copy.
    pub(super) fn clear(root: &Path) -> io::Result<()> {
        existing(fs::remove_dir_all(root.join(REMOVED))).map(drop)
    }
}

impl Embedded for FileImages {
    fn hold(&self) {
        self.store.removal.has_lost.store(false, Ordering::Relaxed);
        *self.store.removal.is_held.write() = true;
        self.store.small.hold();
    }

    fn scratch_bytes(&self) -> io::Result<u64> {
        self.store.small.database.scratch_bytes()
    }

    fn copy_to(
        &self,
        archive: &mut dyn Archive,
        named: &mut NamedImages,
    ) -> io::Result<Vec<(&'static str, u64)>> {
        let root = Folder::followed(&self.store.root)?;
        let mut copied = HashSet::new();
        copy(&root, archive, &mut copied, named)?;
        // Deleted images are copied last: an image is in one place or the other, or first
        // in the one and then in the other, if it is deleted during the copy.
        if let Some(removed) = existing(root.folder(REMOVED))? {
            copy(&removed, archive, &mut copied, named)?;
        }
        let images = copied.len() as u64;
        let small = self.store.small.copy_to(archive, &small_images(), named)?;
        self.store.lock.check()?;
        if self.store.removal.has_lost.load(Ordering::Relaxed) {
            return Err(io::Error::other("an image was removed meanwhile"));
        }
        Ok(vec![("images", images + small)])
    }

    fn release(&self) {
        self.store.small.release();
        *self.store.removal.is_held.write() = false;
        if let Err(error) = Removal::clear(&self.store.root) {
            tracing::warn!(%error, "removed images are left until the next start");
        }
    }
}

/// The images of a directory that is locked by this process and not opened as a store.
pub(super) struct Folders {
    pub(super) root: Folder,
    pub(super) small: Option<AtRest>,
    /// None: nobody can have it.
    _lock: Option<DirectoryLock>,
}

impl Folders {
    /// Does not change the images.
    pub(super) fn at_rest(data: &Path) -> Result<Self, OpenError> {
        let unusable = |error| OpenError::unusable(&data.join(FOLDER), error);
        let root = Folder::open(data).and_then(|data| data.folder(FOLDER));
        let root = root.map_err(unusable)?;
        let lock = DirectoryLock::within(&root, store::LOCK)?;
        let small = AtRest::of(&root).map_err(unusable)?;
        Ok(Self {
            root,
            small,
            _lock: lock,
        })
    }
}

impl Embedded for Folders {
    fn scratch_bytes(&self) -> io::Result<u64> {
        let small = self.small.as_ref();
        small.map_or(Ok(0), |small| small.database.scratch_bytes())
    }

    /// Leaves out images that a service had deleted, but kept for a backup that it could
    /// not end.
    fn copy_to(
        &self,
        archive: &mut dyn Archive,
        named: &mut NamedImages,
    ) -> io::Result<Vec<(&'static str, u64)>> {
        let mut copied = HashSet::new();
        copy(&self.root, archive, &mut copied, named)?;
        let mut images = copied.len() as u64;
        if let Some(small) = &self.small {
            images += small.copy_to(archive, &small_images(), named)?;
        }
        Ok(vec![("images", images)])
    }
}

fn small_images() -> PathBuf {
    Path::new(FOLDER).join(small::FILE)
}

/// Copies the images that were not copied yet.
fn copy(
    root: &Folder,
    archive: &mut dyn Archive,
    copied: &mut HashSet<u128>,
    named: &mut NamedImages,
) -> io::Result<()> {
    for kind in KINDS {
        each(root, kind, |path, of_owner, name| {
            let short = short(path);
            if copied.contains(&short) {
                return Ok(());
            }
            // None: it has been deleted, and will be copied with the deleted images.
            if let Some(mut file) = existing(of_owner.file(name))? {
                if is_whole(&mut file)?
                    && let Some(path) = path.to_str()
                {
                    named.remove(path);
                }
                archive.add(&Path::new(FOLDER).join(path), file)?;
                copied.insert(short);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Whether the file ends as an image of this store does. Its bytes are not compared.
fn is_whole(file: &mut File) -> io::Result<bool> {
    let read = envelope::read(file);
    file.rewind()?;
    match read {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(error),
    }
}

/// Calls `image` for each image with its path below `root`, its folder, and its name
/// there. Links are neither followed nor taken for images.
pub(super) fn each(
    root: &Folder,
    kind: ImageKind,
    mut image: impl FnMut(&Path, &Folder, &OsStr) -> io::Result<()>,
) -> io::Result<()> {
    let Some(owners) = existing(root.folder(folder(kind)))? else {
        return Ok(());
    };
    for tag in owners.names()? {
        let of_owner = match owners.folder(&tag) {
            // It is something else.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => None,
            opened => existing(opened)?,
        };
        let Some(of_owner) = of_owner else {
            continue;
        };
        for name in of_owner.names()? {
            let path = Path::new(folder(kind)).join(&tag).join(&name);
            let found = of_owner.look(&name)?;
            if is_image(&path) && found.is_some_and(Entry::is_file) {
                image(&path, &of_owner, &name)?;
            }
        }
    }
    Ok(())
}

/// Whether this path, relative to the folder of all images, is that of an image.
pub(super) fn is_image(path: &Path) -> bool {
    path.to_str().and_then(ImageKey::parse).is_some()
}

/// Stands for a path, of which there may be millions.
fn short(path: &Path) -> u128 {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let first = hash.first_chunk().copied();
    u128::from_be_bytes(first.unwrap_or_default())
}

fn create(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory)
}

/// The format is not part of the file name, so an image of another format replaces it.
pub(super) fn file_of(root: &Path, path: &ImagePath) -> PathBuf {
    root.join(ImageKey::from(path).text())
}
