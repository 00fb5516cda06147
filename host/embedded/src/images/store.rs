//! The folders of the images. Everything here blocks.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use concept_refinement_capability::directory::{self, DirectoryLock, existing};
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::{Clock, OpenError};
use concept_refinement_domain::capability::{ImageInfo, ImageKind, ImageLimit, ImageLimits};
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::{ImagePath, folder};
use concept_refinement_domain::image_url::Signing;
use parking_lot::{Mutex, MutexGuard};

use super::backup::{KINDS, Removal, file_of};
use super::draft::{Draft, Finished};
use super::envelope;
use super::listing;
use super::reading::Found;
use super::reservation::{Reservation, UnderWay};
use super::small::{self, SmallImages};
use crate::sqlite;

const DRAFTS: &str = "drafts";
pub(super) const LOCK: &str = "images.lock";

/// Number of locks that owners share.
const LOCKS: usize = 64;

const LOST: &str = "the store of images has no table of small ones: if that was lost, stop and \
                    restore a backup";

/// What opening this directory would make anew although it was there before, as a sentence.
pub(super) fn lost(directory: &Path) -> io::Result<Option<&'static str>> {
    // The first start makes the table before the folder.
    let has_folder = directory.join(folder(ImageKind::Refined)).is_dir();
    let is_lost = has_folder && !sqlite::exists(&directory.join(small::FILE))?;
    Ok(is_lost.then_some(LOST))
}

pub struct Store {
    pub root: PathBuf,
    /// Held while an owner's folder is changed.
    locks: [Mutex<()>; LOCKS],
    under_way: Arc<UnderWay>,
    room: Arc<Room>,
    pub signing: Signing,
    pub clock: Arc<dyn Clock>,
    /// Dropped before the lock, so that no other process opens its file too early.
    pub small: SmallImages,
    /// While the directory is missing or replaced, nothing may be stored, and a missing
    /// file does not mean that the image is gone.
    pub lock: DirectoryLock,
    pub removal: Removal,
}

impl Store {
    pub fn open(
        directory: &Path,
        signing: Signing,
        room: Arc<Room>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(directory, LOCK)?;
        if let Ok(Some(lost)) = lost(directory) {
            tracing::warn!("{lost}");
        }
        let small = SmallImages::open(directory, Arc::clone(&room))?;
        let store = Self {
            root: directory.to_owned(),
            locks: std::array::from_fn(|_| Mutex::new(())),
            under_way: Arc::default(),
            room,
            signing,
            clock,
            small,
            lock,
            removal: Removal::default(),
        };
        store.prepare()?;
        Ok(store)
    }

    fn prepare(&self) -> Result<(), OpenError> {
        let drafts = self.drafts();
        let folders = KINDS.map(|kind| self.root.join(folder(kind)));
        for directory in folders.iter().chain([&drafts]) {
            directory::add(directory).map_err(|error| OpenError::unusable(directory, error))?;
        }
        let unusable = |error: io::Error| OpenError::unusable(&drafts, error);
        for left in fs::read_dir(&drafts).map_err(unusable)? {
            let left = left.map_err(unusable)?.path();
            fs::remove_file(&left).map_err(|error| OpenError::unusable(&left, error))?;
        }
        for folder in &folders {
            let stored = listing::bytes(folder);
            let stored = stored.map_err(|error| OpenError::unusable(folder, error))?;
            self.room.replace(0, stored);
        }
        Removal::clear(&self.root).map_err(|error| OpenError::unusable(&self.root, error))
    }

    pub fn begin(&self) -> io::Result<Draft> {
        self.lock.check()?;
        Draft::create(&self.drafts())
    }

    /// For a refined image, whose space was promised to its task: no limit is checked,
    /// and the disk is not queried.
    pub fn promised(&self, path: &ImagePath, longest: u64) -> Reservation {
        self.under_way.begin(path, longest, None)
    }

    /// Checks the owner's limits, then the space for all images. Only uploads need that.
    pub fn reserve(
        &self,
        path: &ImagePath,
        limits: Option<ImageLimits>,
        longest: u64,
    ) -> io::Result<Result<Reservation, ImageLimit>> {
        let _changing = self.changing(path);
        if let Some(limits) = limits
            && let Err(limit) = limits.admit(self.usage(path)?, longest)
        {
            return Ok(Err(limit));
        }
        let room = match path.kind {
            ImageKind::Upload => Some(self.room.reserve(longest)?),
            ImageKind::Refined => None,
        };
        Ok(Ok(self.under_way.begin(path, longest, room)))
    }

    /// Renames the draft to its final path, which ends its reservation.
    pub fn place(
        &self,
        draft: Finished,
        path: &ImagePath,
        reservation: Reservation,
    ) -> io::Result<()> {
        let _changing = self.changing(path);
        let folder = self.folder_of(path);
        directory::add(&folder)?;
        let place = folder.join(&path.name);
        let (replaced, stored) = (envelope::image_bytes(&place)?, draft.size);
        draft.rename(&place)?;
        self.room.replace(replaced, stored);
        drop(reservation);
        directory::sync(&folder)?;
        self.lock.check()
    }

    /// The owner's images of this kind, excluding an image of the same name, which would
    /// be replaced.
    fn usage(&self, path: &ImagePath) -> io::Result<ImageUsage> {
        let mut usage = ImageUsage::default();
        self.under_way.add_to(path, &mut usage);
        for file in listing::entries(self.folder_of(path))? {
            let name = file.file_name();
            if name.is_some_and(|name| name != path.name.as_str()) {
                usage.add_stored(envelope::image_bytes(&file)?);
            }
        }
        Ok(usage)
    }

    pub fn info(&self, path: &ImagePath) -> io::Result<Option<ImageInfo>> {
        match self.small.info(path)? {
            Some(info) => Ok(Some(info)),
            None => Ok(self.file(path)?.map(|(info, _)| info)),
        }
    }

    pub fn find(&self, path: &ImagePath) -> io::Result<Option<(ImageInfo, Found)>> {
        match self.small.find(path)? {
            Some((info, contents)) => Ok(Some((info, Found::Small(contents)))),
            None => Ok(self
                .file(path)?
                .map(|(info, file)| (info, Found::File(file)))),
        }
    }

    /// A damaged image counts as missing, since trying again does not help.
    fn file(&self, path: &ImagePath) -> io::Result<Option<(ImageInfo, fs::File)>> {
        match self.open_whole(path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                log_throttled!(error, "an image is damaged", %path, %error);
                Ok(None)
            }
            opened => opened,
        }
    }

    /// `InvalidData`: the file is damaged.
    fn open_whole(&self, path: &ImagePath) -> io::Result<Option<(ImageInfo, fs::File)>> {
        let Some(mut file) = existing(fs::File::open(file_of(&self.root, path)))? else {
            return self.lock.check().map(|()| None);
        };
        let info = envelope::read(&mut file)?.info(path);
        Ok(info.map(|info| (info, file)))
    }

    pub fn has_uploads(&self, tag: &str) -> io::Result<bool> {
        self.lock.check()?;
        let folder = self.root.join(folder(ImageKind::Upload)).join(tag);
        Ok(!listing::entries(folder)?.is_empty())
    }

    /// Removes a file.
    pub fn remove(&self, path: &ImagePath) -> io::Result<()> {
        let _changing = self.changing(path);
        match self.open_whole(path) {
            // An image in another format has replaced it.
            Ok(None) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
            // Damaged files are removed too.
            Ok(Some(_)) | Err(_) => {}
        }
        self.remove_file(path)?;
        removed_from(&self.folder_of(path))
    }

    /// Removes uploads of an owner, damaged ones too. True: there are more.
    pub fn remove_uploads(&self, tag: &str, limit: u32) -> io::Result<bool> {
        self.lock.check()?;
        let kind = folder(ImageKind::Upload);
        let of_owner = self.root.join(kind).join(tag);
        let mut uploads = Vec::new();
        for file in listing::entries(of_owner.clone())? {
            // Any format will do, since it is not part of the file's name.
            let name = file.file_name().and_then(OsStr::to_str);
            let path = name.and_then(|name| ImagePath::parse(&format!("{kind}/{tag}/{name}.png")));
            uploads.extend(path.filter(|_| file.is_file()));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = uploads.len() > limit;
        uploads.truncate(limit);
        for path in &uploads {
            let _changing = self.changing(path);
            // It may have been deleted meanwhile.
            existing(self.remove_file(path))?;
        }
        match uploads.is_empty() {
            true => Ok(false),
            false => removed_from(&of_owner).map(|()| has_more),
        }
    }

    fn remove_file(&self, path: &ImagePath) -> io::Result<()> {
        let removed = envelope::image_bytes(&file_of(&self.root, path))?;
        self.removal.remove(&self.root, path)?;
        self.room.replace(removed, 0);
        Ok(())
    }

    fn changing(&self, path: &ImagePath) -> Option<MutexGuard<'_, ()>> {
        let sum = path.tag.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31) + usize::from(byte)
        });
        let lock = self.locks.get(sum % LOCKS)?;
        Some(lock.lock())
    }

    fn drafts(&self) -> PathBuf {
        self.root.join(DRAFTS)
    }

    fn folder_of(&self, path: &ImagePath) -> PathBuf {
        self.root.join(folder(path.kind)).join(&path.tag)
    }
}

/// Syncs the removal of files from a folder, and removes the folder if it is empty.
fn removed_from(folder: &Path) -> io::Result<()> {
    // Otherwise it was empty, and another removal has removed it.
    if existing(directory::sync(folder))?.is_some() {
        // Only removes an empty folder; leaving one is harmless.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}
