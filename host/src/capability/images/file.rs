//! Images as files below one directory, for one process.
//!
//! `uploads/` and `refined/` hold a folder an owner, in it a file an image;
//! `drafts/` holds what is being written. A draft is written, given its
//! description at the end (see `envelope`), synced, and only then renamed into
//! its place, so an image is there whole or not at all, description included.

mod draft;
mod envelope;
mod listing;
mod reading;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, NewImage, Resolved, Stored, StoredOrNot,
};
use futures::StreamExt;

use super::{Contents, ImageStore, Images, no_such_name};
use crate::capability::directory::{self, DirectoryLock};
use crate::capability::{Answer, Clock, OpenError};
use crate::log_throttle::LogThrottle;
use concept_refinement_domain::image_path::{ImagePath, folder};
use concept_refinement_domain::image_url::Signing;
use draft::{Draft, Finished};
use envelope::Description;

const DRAFTS: &str = "drafts";
const LOCK: &str = "images.lock";

/// Owners share this many locks.
const LOCKS: usize = 64;

/// So much is gathered before it is written, in bytes.
const WRITTEN_AT_ONCE: usize = 256 * 1024;

#[derive(Clone)]
pub struct FileImages {
    store: Arc<Store>,
}

struct Store {
    root: PathBuf,
    drafts: AtomicU64,
    /// Taken by whoever changes an owner's folder.
    locks: [Mutex<()>; LOCKS],
    signing: Signing,
    clock: Arc<dyn Clock>,
    /// Where it does not hold any more, nothing may be stored, and nothing is
    /// known to be gone.
    lock: DirectoryLock,
}

impl FileImages {
    /// Opens the store of a directory, which is created where it is missing and
    /// held until this is dropped. What a predecessor left half written is
    /// removed. It blocks: call it where that does no harm.
    pub fn open(
        directory: &Path,
        signing: Signing,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(directory, LOCK)?;
        let store = Store {
            root: directory.to_owned(),
            drafts: AtomicU64::new(0),
            locks: std::array::from_fn(|_| Mutex::new(())),
            signing,
            clock,
            lock,
        };
        store.prepare()?;
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Runs what touches the disk on a thread that may wait for it.
    async fn blocking<T, W>(&self, work: W) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        W: FnOnce(&Store) -> io::Result<T> + Send + 'static,
    {
        let store = self.store.clone();
        on_disk(move || work(&store)).await
    }

    async fn store(
        &self,
        image: NewImage,
        contents: Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        let path = ImagePath::of(&image).ok_or_else(no_such_name)?;
        // Nobody has to send a whole image to learn that it is one too many.
        let (wanted, at_most) = (path.clone(), image.at_most);
        if !self
            .blocking(move |store| store.has_room(&wanted, at_most))
            .await?
        {
            return Ok(StoredOrNot::TooMany);
        }
        let draft = self.blocking(Store::begin).await?;
        let Some(draft) = receive(draft, image.length, contents).await? else {
            return Ok(StoredOrNot::WrongLength);
        };
        let url = self.store.signing.unsigned(&path.to_string());
        self.blocking(move |store| {
            let description = Description {
                owner: image.owner,
                media_type: image.media_type,
                created_at: store.clock.now().0,
                metadata: image.metadata,
            };
            let draft = draft.finish(description)?;
            Ok(if store.place(draft, &path, at_most)? {
                let path = path.to_string();
                StoredOrNot::Stored(Stored { path, url })
            } else {
                StoredOrNot::TooMany
            })
        })
        .await
    }
}

/// Writes the contents into the draft. None: they are not as long as declared.
async fn receive(
    mut draft: Draft,
    length: u64,
    mut contents: Contents,
) -> Result<Option<Draft>, CapabilityError> {
    let mut missing = length;
    let mut gathered = Vec::new();
    let mut waiting = 0;
    while let Some(piece) = contents.next().await {
        let piece = piece?;
        let Some(rest) = missing.checked_sub(piece.len() as u64) else {
            return Ok(None);
        };
        missing = rest;
        waiting += piece.len();
        gathered.push(piece);
        if waiting >= WRITTEN_AT_ONCE {
            let pieces = std::mem::take(&mut gathered);
            waiting = 0;
            draft = on_disk(move || draft.append(&pieces)).await?;
        }
    }
    if missing > 0 {
        return Ok(None);
    }
    on_disk(move || draft.append(&gathered)).await.map(Some)
}

/// Everything below blocks.
impl Store {
    fn prepare(&self) -> Result<(), OpenError> {
        let drafts = self.drafts();
        let folders = [ImageKind::Upload, ImageKind::Refined].map(folder);
        for directory in folders
            .map(|folder| self.root.join(folder))
            .iter()
            .chain([&drafts])
        {
            directory::create(directory).map_err(|error| OpenError::unusable(directory, error))?;
        }
        let unusable = |error: io::Error| OpenError::unusable(&drafts, error);
        for left in fs::read_dir(&drafts).map_err(unusable)? {
            let left = left.map_err(unusable)?.path();
            fs::remove_file(&left).map_err(|error| OpenError::unusable(&left, error))?;
        }
        Ok(())
    }

    fn begin(&self) -> io::Result<Draft> {
        self.lock.check()?;
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        Draft::create(self.drafts().join(number.to_string()))
    }

    /// Names the draft. False: it would be one too many.
    fn place(&self, draft: Finished, path: &ImagePath, at_most: Option<u32>) -> io::Result<bool> {
        let _changing = self.changing(path);
        if !self.has_room(path, at_most)? {
            return Ok(false);
        }
        let folder = self.folder_of(path);
        directory::create(&folder)?;
        draft.rename(&folder.join(&path.name))?;
        directory::sync(&folder)?;
        self.lock.check()?;
        Ok(true)
    }

    /// Whether the owner may keep the image, too.
    fn has_room(&self, path: &ImagePath, at_most: Option<u32>) -> io::Result<bool> {
        let Some(at_most) = at_most else {
            return Ok(true);
        };
        let mut others = 0;
        match fs::read_dir(self.folder_of(path)) {
            Ok(entries) => {
                for entry in entries {
                    others += u32::from(entry?.file_name() != path.name.as_str());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(others < at_most)
    }

    /// A damaged image is as good as none: no repeat brings it back.
    fn open(&self, path: &str) -> io::Result<Option<(ImageInfo, fs::File)>> {
        let Some(path) = ImagePath::parse(path) else {
            return Ok(None);
        };
        match self.open_whole(&path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(%path, %error, "an image is damaged");
                Ok(None)
            }
            opened => opened,
        }
    }

    /// `InvalidData`: whatever has the name is damaged.
    fn open_whole(&self, path: &ImagePath) -> io::Result<Option<(ImageInfo, fs::File)>> {
        let mut file = match fs::File::open(self.file_of(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.lock.check().map(|()| None);
            }
            Err(error) => return Err(error),
        };
        let info = envelope::read(&mut file)?.info(path);
        Ok(info.map(|info| (info, file)))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let Some(parsed) = ImagePath::parse(path) else {
            return Ok(());
        };
        let _changing = self.changing(&parsed);
        match self.open_whole(&parsed) {
            // Another image may have taken the name meanwhile, in another format.
            Ok(None) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
            // A damaged one is to go as well.
            Ok(Some(_)) | Err(_) => {}
        }
        fs::remove_file(self.file_of(&parsed))?;
        let folder = self.folder_of(&parsed);
        directory::sync(&folder)?;
        // Only an empty one can be removed, and that it stays does no harm.
        let _ = fs::remove_dir(folder);
        Ok(())
    }

    fn changing(&self, path: &ImagePath) -> Option<MutexGuard<'_, ()>> {
        let sum = path.tag.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31) + usize::from(byte)
        });
        let lock = self.locks.get(sum % LOCKS)?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn drafts(&self) -> PathBuf {
        self.root.join(DRAFTS)
    }

    fn folder_of(&self, path: &ImagePath) -> PathBuf {
        self.root.join(folder(path.kind)).join(&path.tag)
    }

    /// The format is not part of it: whatever has the name takes its place.
    fn file_of(&self, path: &ImagePath) -> PathBuf {
        self.folder_of(path).join(&path.name)
    }
}

impl ImageStore for FileImages {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        Box::pin(self.store(image, contents))
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        let path = path.to_owned();
        Box::pin(self.blocking(move |store| Ok(store.open(&path)?.map(|(info, _)| info))))
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        let path = path.to_owned();
        Box::pin(async move {
            let opened = self.blocking(move |store| store.open(&path)).await?;
            let Some((info, file)) = opened else {
                return Ok(None);
            };
            let contents = reading::contents(file, info.size, range)?;
            Ok(Some((info, contents)))
        })
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        let path = path.to_owned();
        Box::pin(self.blocking(move |store| store.remove(&path)))
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let now = self.store.clock.now();
            self.store.signing.sign_path(path, origin, now)
        })
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        Box::pin(async move {
            let now = self.store.clock.now();
            Ok(self.store.signing.resolve(url, origin, now))
        })
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        Box::pin(listing::list(self.store.clone(), kind))
    }

    /// Writes, since reading works on a full disk too.
    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.blocking(|store| store.begin()?.append(&[vec![0; 4096].into()]).map(drop)))
    }
}

async fn on_disk<T, W>(work: W) -> Result<T, CapabilityError>
where
    T: Send + 'static,
    W: FnOnce() -> io::Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(tell(&error)),
        Err(error) => Err(tell(&io::Error::other(error))),
    }
}

/// Logs the details, which may name paths, and answers a sentence that does not.
fn tell(error: &io::Error) -> CapabilityError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            static FAULT: LogThrottle = LogThrottle::new();
            if let Some(times) = FAULT.times() {
                tracing::error!(%error, times, "the image store has no room left");
            }
            CapabilityError::full("The image store has no room left.")
        }
        kind => {
            static FAULT: LogThrottle = LogThrottle::new();
            if let Some(times) = FAULT.times() {
                tracing::error!(%error, times, "the image store failed");
            }
            match kind {
                io::ErrorKind::InvalidInput => {
                    CapabilityError::invalid("The image store cannot keep this.")
                }
                _ => CapabilityError::unavailable("The image store cannot be used at the moment."),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::capability::ErrorKind;

    use bytes::Bytes;
    use futures::{FutureExt, stream};

    use super::*;
    use crate::capability::clock::ManualClock;

    /// A store with one image, the image's path, and its file.
    async fn with_an_image(place: &Path) -> (FileImages, String, PathBuf) {
        let signing = Signing {
            key: vec![],
            ttl: std::time::Duration::from_secs(1),
            public_url: None,
        };
        let images = FileImages::open(place, signing, Arc::new(ManualClock::default())).unwrap();
        let image = NewImage {
            kind: ImageKind::Upload,
            name: "a".into(),
            owner: "ada".into(),
            media_type: "image/png".into(),
            length: 5,
            metadata: vec![],
            at_most: None,
        };
        let contents = stream::iter([Ok(Bytes::from_static(b"image"))]).boxed();
        let StoredOrNot::Stored(stored) = images.put(image, contents).await.unwrap() else {
            panic!("not stored")
        };
        let file = place.join(stored.path.strip_suffix(".png").unwrap());
        assert!(file.is_file());
        (images, stored.path, file)
    }

    #[tokio::test]
    async fn a_damaged_image_is_as_good_as_none_and_can_be_removed() {
        let place = tempfile::tempdir().unwrap();
        for length in [0, 5, 20, -1] {
            let (images, path, file) = with_an_image(place.path()).await;
            let damaged = fs::File::options().write(true).open(&file).unwrap();
            let size = damaged.metadata().unwrap().len();
            let length = u64::try_from(length).unwrap_or(size - 1);
            damaged.set_len(length).unwrap();

            assert_eq!(images.stat(&path).await, Ok(None), "cut at {length}");
            let got = images.get(&path, None).await.unwrap();
            assert!(got.is_none(), "cut at {length}");
            assert_eq!(images.delete(&path).await, Ok(()), "cut at {length}");
            assert!(!file.exists(), "cut at {length}");
            assert_eq!(images.delete(&path).await, Ok(()), "and again");
        }
    }

    /// A fault of the disk may pass: the image may be whole.
    #[tokio::test]
    async fn what_cannot_be_read_is_not_taken_for_damaged() {
        let place = tempfile::tempdir().unwrap();
        let (images, path, file) = with_an_image(place.path()).await;
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        let outcomes = [
            images.stat(&path).map(|found| found.map(drop)).await,
            images.get(&path, None).map(|found| found.map(drop)).await,
            images.delete(&path).await,
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind, ErrorKind::Unavailable);
        }
        assert!(file.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (images, _, _) = with_an_image(place.path()).await;
        let _draft = images.store.begin().unwrap();
        let mut directories = vec![place.path().to_owned()];
        let mut files = 0;
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                if path.is_dir() {
                    assert_eq!(mode, 0o700, "{}", path.display());
                    directories.push(path);
                } else {
                    assert_eq!(mode, 0o600, "{}", path.display());
                    files += 1;
                }
            }
        }
        assert_eq!(files, 3, "the lock, the image and the draft");
    }

    #[test]
    fn a_caller_is_told_whether_a_repeat_helps_and_no_more() {
        let cases = [
            (io::ErrorKind::StorageFull, ErrorKind::Full),
            (io::ErrorKind::QuotaExceeded, ErrorKind::Full),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Unavailable),
            (io::ErrorKind::PermissionDenied, ErrorKind::Unavailable),
            (io::ErrorKind::UnexpectedEof, ErrorKind::Unavailable),
            (io::ErrorKind::InvalidInput, ErrorKind::Invalid),
        ];
        for (kind, expected) in cases {
            let told = tell(&io::Error::new(kind, "/secret/place"));
            assert_eq!(told.kind, expected, "{kind:?}");
            assert!(!told.message.contains('/'), "{told}");
        }
    }
}
