//! Images in a bucket of S3, or of any compatible service, for any number of hosts.
//!
//! An image is one object, whose key is the image's path without its format: an image in
//! another format replaces it. It is sent from memory in one request, so that it exists
//! with its description (see `description`) or not at all. Counting, which the bucket
//! cannot do exactly, is done by the task store (see
//! [`upload_reservations`](concept_refinement_capability::upload_reservations)).
//!
//! It must never log or return the details of S3's errors about a signature, and must
//! never wait for the bucket without progress.

mod bucket;
mod client;
mod counting;
mod credentials;
mod description;
pub mod engine;
mod fault;
mod listing;
mod probe;
mod reading;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::blobs::{Blob, Blobs, Purpose};
use concept_refinement_capability::images::{
    Contents, ImageStore, Images, Listed, Options, Signing, no_such_name, stored,
};
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::moving::RestoreImages;
use concept_refinement_capability::upload_reservations::{
    Change, ImageKey, Reservation, UploadReservations,
};
use concept_refinement_capability::{Answer, Clock};
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ErrorKind, ImageInfo, ImageKind, NewImage, Resolved, StoredOrNot,
    within,
};
use concept_refinement_domain::image_path::{ImagePath, tag_of};
use concept_refinement_domain::timestamp::Timestamp;
use futures::{StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use object_store::Attributes;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use bucket::{Bucket, Object};
use description::{Described, Description, More};
use fault::Fault;

/// Suffix of the key of a second object. Image names contain no full stop.
const SECOND: &str = ".json";

/// Largest second object, in bytes: more than the four texts of a refinement take, even
/// if fully escaped.
const MOST_SECOND: u64 = 256 * 1024;

/// Minimum memory for images being sent to the bucket, in bytes: enough for the longest
/// answer of a model.
const LEAST_MEMORY: usize = 64 << 20;

/// Uploads that are deleted concurrently, when all of an owner's are.
const REMOVED_AT_ONCE: usize = 8;

/// Images in a bucket. Clones share one store.
#[derive(Clone)]
pub struct S3Images {
    inner: Arc<Inner>,
}

struct Inner {
    bucket: Bucket,
    signing: Signing,
    clock: Arc<dyn Clock>,
    reservations: Arc<dyn UploadReservations>,
    /// Limit for all images together, in bytes. None: no limit, and refined images are
    /// not counted.
    max_store: Option<u64>,
    /// Pending reservations, whose images may or may not be stored.
    doubtful: Mutex<Vec<Reservation>>,
    /// Held while one of these is checked.
    looking: tokio::sync::Mutex<()>,
    runtime: Handle,
    /// Memory for images being sent to the bucket.
    memory: Arc<Blobs>,
}

/// Contents that were received completely.
struct Received {
    blob: Blob,
    hash: Vec<u8>,
    size: u64,
}

impl S3Images {
    fn of(bucket: Bucket, options: Options, max_store: Option<u64>, clock: Arc<dyn Clock>) -> Self {
        let Options {
            signing,
            upload_reservations: reservations,
            memory,
        } = options;
        let memory = memory.max(LEAST_MEMORY);
        let inner = Arc::new(Inner {
            bucket,
            signing,
            clock,
            reservations,
            max_store,
            doubtful: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            runtime: Handle::current(),
            memory: Blobs::new(memory, None),
        });
        tokio::spawn(counting::upkeep(Arc::downgrade(&inner)));
        Self { inner }
    }
}

impl Inner {
    /// `created_at`: for an image that is moved here from another store.
    async fn store(
        self: &Arc<Self>,
        image: NewImage,
        created_at: Option<Timestamp>,
        contents: Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        let path = ImagePath::of(&image).ok_or_else(no_such_name)?;
        let mut reservation = match self.take(&path, &image).await? {
            Ok(reservation) => reservation,
            Err(limit) => return Ok(StoredOrNot::LimitReached(limit)),
        };
        let received = reservation.during(self.receive(&image, contents)).await;
        let received = match received.flatten() {
            Ok(Some(received)) => received,
            not_whole => {
                reservation.give_up().await;
                return not_whole.map(|_| StoredOrNot::WrongLength);
            }
        };
        reservation.sent();
        let send = self.send(&path, &image, created_at, &received);
        reservation.during(send).await?.map_err(Fault::report)?;
        reservation.end(Change::Settle(received.size)).await?;
        Ok(stored(&path, &received.hash, &self.signing))
    }

    /// None: they have a different length than announced.
    async fn receive(
        &self,
        image: &NewImage,
        mut contents: Contents,
    ) -> Result<Option<Received>, CapabilityError> {
        let longest = image.length.longest();
        let reserved = match image.kind {
            // Grows with the bytes that arrive, so that slow clients take no memory.
            ImageKind::Upload => self.memory.reserve(Purpose::Original, 0).await,
            // Waits until there is memory for all of it.
            ImageKind::Refined => {
                let length = usize::try_from(longest).unwrap_or(usize::MAX);
                self.memory.reserve(Purpose::Answer, length).await
            }
        };
        let blob = reserved.map_err(|error| match error.kind {
            ErrorKind::Invalid => CapabilityError::invalid("The image store cannot keep this."),
            ErrorKind::Unavailable | ErrorKind::Full => error,
        })?;
        let (mut hash, mut size) = (Sha256::new(), 0_u64);
        while let Some(chunk) = contents.next().await {
            let chunk = chunk?;
            size = size.saturating_add(chunk.len() as u64);
            if size > longest {
                return Ok(None);
            }
            hash.update(&chunk);
            blob.append(&chunk).await?;
        }
        Ok(image.length.is_met_by(size).then(|| Received {
            blob,
            hash: hash.finalize().to_vec(),
            size,
        }))
    }

    async fn send(
        &self,
        path: &ImagePath,
        image: &NewImage,
        created_at: Option<Timestamp>,
        received: &Received,
    ) -> Result<(), Fault> {
        let description = Description {
            media_type: path.format.media_type(),
            created_at: created_at.unwrap_or_else(|| self.clock.now()),
            hash: &received.hash,
            owner: &image.owner,
            metadata: &image.metadata,
        };
        let (attributes, more) = description.attributes();
        let key = key_of(path);
        if let Some(more) = more {
            let json = serde_json::to_vec(&more).map_err(|_| Fault::Broken)?;
            let second = format!("{key}{SECOND}");
            let pieces = vec![Bytes::from(json)];
            self.bucket.put(&second, pieces, Attributes::new()).await?;
        }
        let pieces = received.blob.contents().collect().await;
        self.bucket.put(&key, pieces, attributes).await
    }

    /// The description in an object's metadata, and the object's size in bytes. None: it
    /// is not an image of ours.
    async fn described(&self, key: &str) -> Result<Option<(Described, u64)>, Fault> {
        let object = self.bucket.head(key).await?;
        Ok(object
            .and_then(|Object { attributes, size }| Some((Described::read(&attributes)?, size))))
    }

    /// The owner of an image. None: the second object is gone.
    async fn owner(&self, key: &str, described: &Described) -> Result<Option<String>, Fault> {
        if let Some(owner) = &described.owner {
            return Ok(Some(owner.clone()));
        }
        let second = self.bucket.get(&format!("{key}{SECOND}"), None).await?;
        let Some((object, mut body)) = second.filter(|(object, _)| object.size <= MOST_SECOND)
        else {
            return Ok(None);
        };
        let mut json = Vec::with_capacity(usize::try_from(object.size).unwrap_or_default());
        while let Some(piece) = body.next().await {
            json.extend_from_slice(&piece?);
        }
        let more: Option<More> = serde_json::from_slice(&json).ok();
        Ok(more.map(|more| more.owner))
    }

    async fn info(
        &self,
        path: &ImagePath,
        described: &Described,
        size: u64,
    ) -> Result<Option<ImageInfo>, Fault> {
        let Some(owner) = self.owner(&key_of(path), described).await? else {
            log_throttled!(error, "an image is damaged: nothing says whose it is", %path);
            return Ok(None);
        };
        Ok(described.info(path, owner, size))
    }

    async fn find(&self, path: &str) -> Result<Option<ImageInfo>, Fault> {
        let Some(path) = ImagePath::parse(path) else {
            return Ok(None);
        };
        match self.described(&key_of(&path)).await? {
            Some((described, size)) => self.info(&path, &described, size).await,
            None => Ok(None),
        }
    }

    async fn open(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Contents)>, CapabilityError> {
        let Some(parsed) = ImagePath::parse(path) else {
            return Ok(None);
        };
        // A range that cannot be requested is checked against the image's size.
        let asked = match range {
            None => None,
            Some(ByteRange { offset, length }) => match offset.checked_add(length) {
                Some(end) if length > 0 => Some(offset..end),
                _ => return self.judged(path, range).await,
            },
        };
        let got = match self.bucket.get(&key_of(&parsed), asked.clone()).await {
            // S3 responds like this to a range that begins after the end.
            Err(Fault::Broken) if asked.is_some() => return self.judged(path, range).await,
            got => got.map_err(Fault::report)?,
        };
        let Some((Object { attributes, size }, body)) = got else {
            return Ok(None);
        };
        let Some(described) = Described::read(&attributes) else {
            return Ok(None);
        };
        let info = self.info(&parsed, &described, size).await;
        let Some(info) = info.map_err(Fault::report)? else {
            return Ok(None);
        };
        let part = within(range, size)?;
        Ok(Some((info, reading::contents(body, part.end - part.start))))
    }

    /// The answer if nothing needs to be read: the range is empty, or not within the
    /// image.
    async fn judged(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Contents)>, CapabilityError> {
        let Some(info) = self.find(path).await.map_err(Fault::report)? else {
            return Ok(None);
        };
        match within(range, info.size)?.is_empty() {
            true => Ok(Some((info, stream::empty().boxed()))),
            false => Err(Fault::Broken.report()),
        }
    }

    /// Deletes an image and its second object, even if the image itself was never stored.
    async fn remove(self: &Arc<Self>, path: &str) -> Result<(), CapabilityError> {
        let image = ImagePath::parse(path);
        let named = image.as_ref().map(ImageKey::from);
        let Some(named) = named.or_else(|| ImageKey::parse(path)) else {
            return Ok(());
        };
        let key = named.text();
        let object = self.bucket.head(&key).await.map_err(Fault::report)?;
        let [has_image, has_second] = match (object, image) {
            (None, _) => [false, true],
            // The path has a format, so there is nothing to delete but an image.
            (Some(_), None) => return Ok(()),
            (Some(object), Some(image)) => match Described::read(&object.attributes) {
                Some(described) if described.format == image.format => [true, described.has_more],
                // Another image has replaced it.
                Some(_) | None => return Ok(()),
            },
        };
        self.remove_objects(named, has_image, has_second).await
    }

    /// Deletes uploads of an owner by the owner's tag, whatever their formats, and second
    /// objects of uploads that were never stored. True: there may be more.
    async fn remove_uploads(
        self: &Arc<Self>,
        tag: &str,
        limit: u32,
    ) -> Result<bool, CapabilityError> {
        let uploads = listing::uploads(self, tag, limit).await;
        let (uploads, has_more) = uploads.map_err(Fault::report)?;
        let removed = uploads
            .into_iter()
            .map(|upload| self.remove_objects(upload, true, true));
        let removed = stream::iter(removed).buffer_unordered(REMOVED_AT_ONCE);
        removed.try_collect::<()>().await?;
        Ok(has_more)
    }

    async fn remove_objects(
        self: &Arc<Self>,
        named: ImageKey,
        has_image: bool,
        has_second: bool,
    ) -> Result<(), CapabilityError> {
        let key = named.text();
        let reservation = self.doubt(named).await?;
        if has_image {
            self.bucket.delete(&key).await.map_err(Fault::report)?;
        }
        if has_second {
            let second = format!("{key}{SECOND}");
            self.bucket.delete(&second).await.map_err(Fault::report)?;
        }
        reservation.end(Change::Free).await
    }
}

/// The name of an image's object within the prefix.
fn key_of(path: &ImagePath) -> String {
    ImageKey::from(path).text()
}

/// Whether an object of this name may be an image.
fn is_image(key: &str) -> bool {
    !key.ends_with(SECOND)
}

impl RestoreImages for S3Images {
    fn restore(
        &self,
        image: NewImage,
        created_at: Timestamp,
        contents: Contents,
    ) -> Answer<'_, StoredOrNot> {
        Box::pin(self.inner.store(image, Some(created_at), contents))
    }
}

impl ImageStore for S3Images {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        Box::pin(self.inner.store(image, None, contents))
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        Box::pin(self.inner.find(path).map_err(Fault::report))
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        Box::pin(self.inner.open(path, range))
    }

    fn has_uploads<'a>(&'a self, owner: &'a str) -> Answer<'a, bool> {
        let tag = tag_of(owner);
        Box::pin(async move {
            let has_uploads = listing::has_uploads(&self.inner, &tag).await;
            has_uploads.map_err(Fault::report)
        })
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        Box::pin(self.inner.remove(path))
    }

    fn delete_uploads<'a>(&'a self, owner: &'a str, limit: u32) -> Answer<'a, bool> {
        let tag = tag_of(owner);
        Box::pin(async move { self.inner.remove_uploads(&tag, limit).await })
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let now = self.inner.clock.now();
            self.inner.signing.sign_path(path, origin, now)
        })
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        Box::pin(async move {
            let now = self.inner.clock.now();
            Ok(self.inner.signing.resolve(url, origin, now))
        })
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        Box::pin(listing::list(Arc::clone(&self.inner), kind))
    }

    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Listed>> {
        Box::pin(listing::describe(&self.inner, name).map_err(Fault::report))
    }

    fn reconcile(&self) -> Answer<'_, ()> {
        Box::pin(async {
            for kind in [ImageKind::Upload, ImageKind::Refined] {
                listing::reconcile(&self.inner, kind).await?;
            }
            Ok(())
        })
    }

    /// Lists one key. Writing costs money, so this is tried only after an object could not be
    /// stored or read, and until both work.
    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let inner = Arc::clone(&self.inner);
            let checked = match inner.bucket.has_failed() {
                false => inner.bucket.page("", 1, None).await.map(drop),
                // It ends even if nobody waits any longer, and deletes its object.
                true => {
                    let probe = async move { probe::probe(&inner.bucket).await.access };
                    let probed = self.inner.runtime.spawn(probe).await;
                    probed.unwrap_or(Err(Fault::Broken))
                }
            };
            checked.map_err(Fault::report)
        })
    }
}

#[cfg(test)]
mod tests;
