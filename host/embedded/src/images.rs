//! Images below one directory, for one process.
//!
//! `uploads/` and `refined/` have a folder per owner with a file per image.
//! `small.sqlite` has the refined images that are small (see `small`). `drafts/` has
//! files that are being written: a draft is written, gets its description appended (see
//! `envelope`), is synced and then renamed, so that an image exists with its description
//! or not at all.

mod at_rest;
mod backup;
mod disk;
mod draft;
pub mod engine;
mod envelope;
mod listing;
mod reading;
pub(crate) mod reservation;
mod small;
mod store;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::images::{Contents, ImageStore, Images, no_such_name, stored};
use concept_refinement_capability::moving::RestoreImages;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::{Answer, Clock, OpenError};
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, ImageLength, NewImage, Resolved, StoredOrNot,
};
use concept_refinement_domain::image_path::{ImagePath, tag_of};
use concept_refinement_domain::image_url::Signing;
use concept_refinement_domain::timestamp::Timestamp;
use futures::StreamExt;
use sha2::{Digest as _, Sha256};

use disk::on_disk;
use draft::Draft;
use envelope::{Description, Envelope};
use store::Store;

/// Size of a write, in bytes.
const WRITE_SIZE: usize = 256 * 1024;

/// Images in files. Clones share one store.
#[derive(Clone)]
pub struct FileImages {
    store: Arc<Store>,
}

impl FileImages {
    /// Opens the store of a directory, which is created if needed and locked until this
    /// is dropped. Removes drafts of a previous process, and reads the size of each
    /// image. Blocks the thread.
    ///
    /// # Errors
    ///
    /// The directory is in use by another process, or cannot be used.
    pub fn open(
        directory: &Path,
        signing: Signing,
        room: Arc<Room>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            store: Arc::new(Store::open(directory, signing, room, clock)?),
        })
    }

    /// Runs disk access on a blocking thread.
    async fn blocking<T, W>(&self, work: W) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        W: FnOnce(&Store) -> io::Result<T> + Send + 'static,
    {
        let store = self.store.clone();
        on_disk(move || work(&store)).await
    }

    /// `created_at`: for an image that is moved here from another store.
    async fn store(
        &self,
        image: NewImage,
        created_at: Option<Timestamp>,
        mut contents: Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        let path = ImagePath::of(&image).ok_or_else(no_such_name)?;
        let (limits, length) = (image.limits, image.length);
        let longest = length.longest();
        let admitted = if path.kind == ImageKind::Refined && limits.is_none() {
            Ok(self.store.promised(&path, longest))
        } else {
            let wanted = path.clone();
            self.blocking(move |store| store.reserve(&wanted, limits, longest))
                .await?
        };
        let mut reservation = match admitted {
            Ok(reservation) => reservation,
            Err(limit) => return Ok(StoredOrNot::LimitReached(limit)),
        };
        let mut received = 0;
        let mut draft = None;
        let last = loop {
            match gather(&mut contents, length, &mut received).await? {
                Gathered::WrongLength => return Ok(StoredOrNot::WrongLength),
                Gathered::Some(chunks) => {
                    let appended = self.blocking(move |store| begun(store, draft)?.append(&chunks));
                    draft = Some(appended.await?);
                    reservation.wrote_all(received);
                }
                Gathered::Last(chunks) => break chunks,
            }
        };
        let description = Description {
            owner: image.owner,
            media_type: image.media_type,
            created_at: created_at.unwrap_or_else(|| self.store.clock.now()).0,
            metadata: image.metadata,
        };
        let is_small = path.kind == ImageKind::Refined && received <= small::MAX_BYTES;
        if draft.is_none() && is_small {
            let contents = last.concat();
            let hash = Sha256::digest(&contents);
            let envelope = Envelope::new(description, received, &hash);
            self.store.small.put(&path, &envelope, contents).await?;
            return Ok(stored(&path, &hash, &self.store.signing));
        }
        let to = path.clone();
        let placed = self.blocking(move |store| {
            let draft = begun(store, draft)?.append(&last)?.finish(description)?;
            let hash = draft.hash;
            store.place(draft, &to, reservation)?;
            Ok((hash, store.small.has_name(&to)?))
        });
        let (hash, is_small_left) = placed.await?;
        if is_small_left {
            self.store.small.remove(&path).await?;
        }
        Ok(stored(&path, &hash, &self.store.signing))
    }
}

fn begun(store: &Store, draft: Option<Draft>) -> io::Result<Draft> {
    draft.map_or_else(|| store.begin(), Ok)
}

/// A part of the contents that is written at once.
enum Gathered {
    Some(Vec<Bytes>),
    Last(Vec<Bytes>),
    /// The contents have a different length than announced.
    WrongLength,
}

/// Collects enough of the contents to make a write on another thread worthwhile: a small
/// image is stored with a single write.
async fn gather(
    contents: &mut Contents,
    length: ImageLength,
    received: &mut u64,
) -> Result<Gathered, CapabilityError> {
    let mut gathered = Vec::new();
    let mut waiting = 0;
    while waiting < WRITE_SIZE {
        let Some(chunk) = contents.next().await else {
            return Ok(match length.is_met_by(*received) {
                true => Gathered::Last(gathered),
                false => Gathered::WrongLength,
            });
        };
        let chunk = chunk?;
        *received = received.saturating_add(chunk.len() as u64);
        if *received > length.longest() {
            return Ok(Gathered::WrongLength);
        }
        waiting += chunk.len();
        gathered.push(chunk);
    }
    Ok(Gathered::Some(gathered))
}

impl RestoreImages for FileImages {
    fn restore(
        &self,
        image: NewImage,
        created_at: Timestamp,
        contents: Contents,
    ) -> Answer<'_, StoredOrNot> {
        Box::pin(self.store(image, Some(created_at), contents))
    }
}

impl ImageStore for FileImages {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        Box::pin(self.store(image, None, contents))
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        let path = path.to_owned();
        Box::pin(self.blocking(move |store| {
            ImagePath::parse(&path).map_or(Ok(None), |path| store.info(&path))
        }))
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        let path = path.to_owned();
        Box::pin(async move {
            let Some(path) = ImagePath::parse(&path) else {
                return Ok(None);
            };
            let found = self.blocking(move |store| store.find(&path)).await?;
            let Some((info, found)) = found else {
                return Ok(None);
            };
            let contents = found.contents(info.size, range)?;
            Ok(Some((info, contents)))
        })
    }

    fn has_uploads<'a>(&'a self, owner: &'a str) -> Answer<'a, bool> {
        let tag = tag_of(owner);
        Box::pin(self.blocking(move |store| store.has_uploads(&tag)))
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        let path = ImagePath::parse(path);
        Box::pin(async move {
            let Some(path) = path else {
                return Ok(());
            };
            let wanted = path.clone();
            if self.blocking(move |store| store.small.has(&wanted)).await? {
                self.store.small.remove(&path).await?;
            }
            self.blocking(move |store| store.remove(&path)).await
        })
    }

    fn delete_uploads<'a>(&'a self, owner: &'a str, limit: u32) -> Answer<'a, bool> {
        let tag = tag_of(owner);
        Box::pin(self.blocking(move |store| store.remove_uploads(&tag, limit)))
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

    /// Writes, since reading also works on a full disk.
    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.store.small.check().await?;
            self.blocking(|store| store.begin()?.append(&[vec![0; 4096].into()]).map(drop))
                .await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use bytes::Bytes;
    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_domain::capability::ErrorKind;
    use futures::{FutureExt, stream};

    use super::*;

    /// A store with one image, the image's path, and its file.
    async fn with_an_image(place: &Path) -> (FileImages, String, PathBuf) {
        let signing = Signing {
            key: vec![],
            ttl: std::time::Duration::from_secs(1),
            public_url: None,
        };
        let images = FileImages::open(
            place,
            signing,
            Arc::default(),
            Arc::<ManualClock>::default(),
        )
        .unwrap();
        let image = NewImage {
            kind: ImageKind::Upload,
            name: "a".into(),
            owner: "ada".into(),
            media_type: "image/png".into(),
            length: ImageLength::Exactly(5),
            metadata: vec![],
            limits: None,
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

    /// A disk error may be temporary, so the image may still be intact.
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
        assert_eq!(
            files, 6,
            "the lock, the image, the draft, and the table with log and reserve"
        );
    }
}
