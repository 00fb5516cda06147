//! `image-store`. An image is a document with its description, and chunks of bytes under
//! a new random name. The document is written last, so an image is stored completely or
//! not at all.
//!
//! If an image is deleted or replaced while it is read, the stream may end early; readers
//! notice that by the size.

use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, ImageLimit, NewImage, Resolved, Stored,
    StoredOrNot, within,
};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::image_url::Signing;
use concept_refinement_domain::provenance::original_had_credentials;
use concept_refinement_domain::{duration, etag, secret};
use concept_refinement_guest::ByteStream;
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::documents::{self, ImageDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;
use crate::user_record::UserRecord;

/// Size of all chunks but the last, in bytes; storing and reading keep one chunk in
/// memory.
const CHUNK: usize = 1 << 20;

/// The default of the setting `image-url-ttl`, as in our host.
const URL_TTL: Duration = Duration::from_secs(60 * 60);

/// The bytes of a stored image, in chunks.
pub struct Reading {
    name: String,
    /// The range that is still to be read.
    start: u64,
    end: u64,
}

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn put_image(
        &self,
        image: NewImage,
        contents: &mut impl ByteStream,
    ) -> Result<StoredOrNot, Fault> {
        let path = ImagePath::of(&image)
            .ok_or(Fault::Invalid("An image cannot have this name or type."))?;
        let has_slot = image.limits.is_some() || image.kind == ImageKind::Upload;
        if has_slot && let Err(limit) = self.reserve_slot(&image, &path).await? {
            return Ok(StoredOrNot::LimitReached(limit));
        }
        let stored = self.put_whole(&image, &path, contents).await;
        if has_slot {
            self.settle_slot(&image.owner, &path).await;
        }
        stored
    }

    /// Uploads in progress count as well.
    pub async fn has_uploads(&self, owner: &str) -> Result<bool, Fault> {
        Ok(self.user_record(owner).await?.has_uploads())
    }

    /// None: no such image.
    pub async fn stat_image(&self, path: &str) -> Result<Option<ImageInfo>, Fault> {
        let found = self.image(path).await?;
        Ok(found.map(|(path, document)| info(&path, document)))
    }

    pub async fn get_image(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Reading)>, CapabilityError> {
        let Some((path, document)) = self.image(path).await? else {
            return Ok(None);
        };
        let range = within(range, document.size)?;
        let reading = Reading {
            name: document.name.clone(),
            start: range.start,
            end: range.end,
        };
        Ok(Some((info(&path, document), reading)))
    }

    /// The next chunk. None: the end.
    pub async fn read(&self, reading: &mut Reading) -> Result<Option<Vec<u8>>, Fault> {
        if reading.start >= reading.end {
            return Ok(None);
        }
        let number = reading.start / CHUNK as u64;
        let key = names::chunk(&reading.name, number);
        let chunk = self.platform.get(&key).await?;
        let gone = || Fault::Unavailable("an image went while it was read".to_owned());
        let mut chunk = chunk.ok_or_else(gone)?;
        let before = number.saturating_mul(CHUNK as u64);
        let from = in_memory(reading.start.saturating_sub(before))?;
        let to = in_memory(reading.end.saturating_sub(before))?.min(chunk.len());
        if from >= to {
            return Err(gone());
        }
        chunk.truncate(to);
        chunk.drain(..from);
        reading.start = reading.start.saturating_add(chunk.len() as u64);
        Ok(Some(chunk))
    }

    pub async fn delete_image(&self, path: &str) -> Result<(), Fault> {
        let Some((path, document)) = self.image(path).await? else {
            return Ok(());
        };
        // The chunks are deleted first: after a crash in between, a repeat finds them by
        // the document.
        self.platform.delete_many(&chunks(&document)).await?;
        self.platform.delete_many(&[names::image(&path)]).await?;
        self.settle_slot(&document.owner, &path).await;
        Ok(())
    }

    /// Deletes uploads, except those in progress. True: there are more.
    pub async fn delete_uploads(&self, owner: &str, limit: u32) -> Result<bool, Fault> {
        let uploads = self
            .user_record(owner)
            .await?
            .stored_uploads(self.machine.now());
        for path in uploads.iter().take(limit as usize) {
            for (path, _) in self.of_any_format(path).await? {
                self.delete_image(&path.to_string()).await?;
            }
            // A crash may have left the slot of an image that does not exist.
            self.settle_slot(owner, path).await;
        }
        Ok(uploads.len() > limit as usize)
    }

    pub async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        let key = self.key(secret::IMAGE_URLS).await?.to_vec();
        let signing = self.signing(key).await;
        signing.sign_path(path, origin, self.machine.now())
    }

    pub async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>, Fault> {
        let now = self.machine.now();
        let mut signing = self.signing(Vec::new()).await;
        // Whether the URL is ours can be told without the key, which may be unavailable.
        if signing.resolve(url, origin, now).is_none() {
            return Ok(None);
        }
        signing.key = self.key(secret::IMAGE_URLS).await?.to_vec();
        Ok(signing.resolve(url, origin, now))
    }

    async fn put_whole(
        &self,
        image: &NewImage,
        path: &ImagePath,
        contents: &mut impl ByteStream,
    ) -> Result<StoredOrNot, Fault> {
        let mut document = ImageDocument {
            name: self.drawn(),
            owner: image.owner.clone(),
            media_type: image.media_type.clone(),
            size: 0,
            etag: String::new(),
            sha256: None,
            created_at: self.machine.now(),
            metadata: image.metadata.clone(),
        };
        let replaced = match self.put_chunks(image, &mut document, contents).await {
            Ok(true) => self.replaced(path).await.map(Some),
            Ok(false) => Ok(None),
            Err(fault) => Err(fault),
        };
        let Ok(Some(leftovers)) = replaced else {
            self.remove_unreferenced(&chunks(&document)).await;
            return replaced.map(|_| StoredOrNot::WrongLength);
        };
        let content = documents::encode(&document);
        self.platform
            .set_many(vec![(names::image(path), content)])
            .await?;
        self.remove_unreferenced(&leftovers).await;
        let path = path.to_string();
        let url = self.signing(Vec::new()).await.unsigned(&path);
        Ok(StoredOrNot::Stored(Stored {
            path,
            url,
            sha256: document.sha256,
        }))
    }

    /// The keys that an image of this name leaves when one of this path replaces it.
    async fn replaced(&self, path: &ImagePath) -> Result<Vec<String>, Fault> {
        let mut leftovers = Vec::new();
        for (other, document) in self.of_any_format(path).await? {
            leftovers.extend(chunks(&documents::decode(&document)?));
            if other != *path {
                leftovers.push(names::image(&other));
            }
        }
        Ok(leftovers)
    }

    /// False: the length differs from the declared one.
    async fn put_chunks(
        &self,
        image: &NewImage,
        document: &mut ImageDocument,
        contents: &mut impl ByteStream,
    ) -> Result<bool, Fault> {
        let mut hash = Sha256::new();
        let mut chunk = Vec::new();
        loop {
            let received = contents.next().await;
            let is_last = received.is_none();
            let received = received.unwrap_or_default();
            hash.update(&received);
            chunk.extend_from_slice(&received);
            let size = document.size.saturating_add(chunk.len() as u64);
            if size > image.length.longest() {
                return Ok(false);
            }
            while chunk.len() >= CHUNK || (is_last && !chunk.is_empty()) {
                let rest = chunk.split_off(CHUNK.min(chunk.len()));
                let key = names::chunk(&document.name, document.size / CHUNK as u64);
                let whole = std::mem::replace(&mut chunk, rest);
                document.size = document.size.saturating_add(whole.len() as u64);
                self.platform.set_many(vec![(key, whole)]).await?;
            }
            if is_last {
                let hash = hash.finalize();
                document.etag = etag::of_hash(&hash);
                document.sha256 = Some(hex(&hash));
                return Ok(image.length.is_met_by(document.size));
            }
        }
    }

    /// The images of this name in any format, of which at most one exists, and their
    /// documents.
    async fn of_any_format(&self, path: &ImagePath) -> Result<Vec<(ImagePath, Vec<u8>)>, Fault> {
        let paths = Format::ALL.map(|format| ImagePath {
            format,
            ..path.clone()
        });
        let keys: Vec<_> = paths.iter().map(names::image).collect();
        let found = self.platform.get_many(&keys).await?;
        let found = paths.into_iter().zip(found);
        Ok(found
            .filter_map(|(path, found)| Some((path, found?)))
            .collect())
    }

    async fn image(&self, path: &str) -> Result<Option<(ImagePath, ImageDocument)>, Fault> {
        let path = ImagePath::parse(path);
        let document = self.document(path.as_ref().map(names::image)).await?;
        Ok(path.zip(document))
    }

    /// If a limit is reached, slots that a crash may have left are checked.
    async fn reserve_slot(
        &self,
        image: &NewImage,
        path: &ImagePath,
    ) -> Result<Result<(), ImageLimit>, Fault> {
        let longest = image.length.longest();
        let take = || {
            self.change(&image.owner, |user_record| {
                Ok(user_record.reserve_slot(path, image.limits, longest, self.machine.now()))
            })
        };
        let Err(limit) = take().await? else {
            return Ok(Ok(()));
        };
        let user_record = self.user_record(&image.owner).await?;
        let mut is_one_free = false;
        for old in user_record.expired_slots(self.machine.now()) {
            is_one_free |= self.settle_slot(&image.owner, &old).await;
        }
        if is_one_free {
            take().await
        } else {
            Ok(Err(limit))
        }
    }

    /// Settles the slot of a name if an image with that name exists in any format
    /// (storing another format may have failed), otherwise releases it. If that fails,
    /// the slot is checked again when a limit is reached. True: the owner's usage has
    /// changed.
    async fn settle_slot(&self, owner: &str, path: &ImagePath) -> bool {
        let settled = async {
            let Some((_, document)) = self.of_any_format(path).await?.into_iter().next() else {
                let release = |user_record: &mut UserRecord| Ok(user_record.release_slot(path));
                return self.change(owner, release).await;
            };
            let document: ImageDocument = documents::decode(&document)?;
            let settle =
                |user_record: &mut UserRecord| Ok(user_record.settle_slot(path, document.size));
            self.change(owner, settle).await
        };
        settled.await.unwrap_or_else(|fault: Fault| {
            crate::log::warn(format_args!("the slot of an image stays taken: {fault}"));
            false
        })
    }

    async fn signing(&self, key: Vec<u8>) -> Signing {
        let ttl = self.platform.setting("image-url-ttl").await;
        Signing {
            key,
            ttl: ttl
                .and_then(|text| duration::parse(&text).ok())
                .unwrap_or(URL_TTL),
            public_url: self.platform.setting("public-url").await,
        }
    }
}

fn info(path: &ImagePath, document: ImageDocument) -> ImageInfo {
    ImageInfo {
        original_had_credentials: original_had_credentials(&document.metadata),
        path: path.to_string(),
        kind: path.kind,
        owner: document.owner,
        media_type: document.media_type,
        size: document.size,
        etag: document.etag,
        sha256: document.sha256,
        created_at: document.created_at,
    }
}

/// The keys of an image's chunks.
fn chunks(document: &ImageDocument) -> Vec<String> {
    (0..document.size.div_ceil(CHUNK as u64))
        .map(|number| names::chunk(&document.name, number))
        .collect()
}

fn in_memory(bytes: u64) -> Result<usize, Fault> {
    usize::try_from(bytes).map_err(|_| Fault::Invalid("An image is larger than any can be."))
}
