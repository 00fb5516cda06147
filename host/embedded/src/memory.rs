//! Images in memory, for a host that stores nothing. Each is held completely, so the host
//! has to limit how many there are at a time.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::images::{
    Contents, ImageStore, Images, Listed, anonymous_owner, no_such_name, stored,
};
use concept_refinement_capability::upload_reservations::ImageKey;
use concept_refinement_capability::{Answer, Clock};
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, ImageLimit, ImageLimits, NewImage, Resolved,
    StoredOrNot, within,
};
use concept_refinement_domain::etag;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::{ImagePath, tag_of};
use concept_refinement_domain::image_url::Signing;
use concept_refinement_domain::provenance::original_had_credentials;
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::images::reservation::{Reservation, UnderWay};

/// In bytes.
const CHUNK_SIZE: usize = 256 * 1024;

/// Images in memory.
pub struct MemoryImages {
    signing: Signing,
    clock: Arc<dyn Clock>,
    images: Mutex<HashMap<ImageKey, Image>>,
    under_way: Arc<UnderWay>,
}

struct Image {
    info: ImageInfo,
    bytes: Bytes,
    anonymous_owner: Option<String>,
}

impl MemoryImages {
    /// Contains no images yet.
    pub fn new(signing: Signing, clock: Arc<dyn Clock>) -> Self {
        Self {
            signing,
            clock,
            images: Mutex::default(),
            under_way: Arc::default(),
        }
    }

    async fn store(
        &self,
        image: NewImage,
        mut contents: Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        let path = ImagePath::of(&image).ok_or_else(no_such_name)?;
        let longest = image.length.longest();
        let under_way = match self.begin(&path, image.limits, longest) {
            Ok(under_way) => under_way,
            Err(limit) => return Ok(StoredOrNot::LimitReached(limit)),
        };
        let longest = usize::try_from(longest)
            .map_err(|_| CapabilityError::invalid("The image store cannot keep this."))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = contents.next().await {
            let chunk = chunk?;
            if chunk.len() > longest.saturating_sub(bytes.len()) {
                return Ok(StoredOrNot::WrongLength);
            }
            bytes.extend_from_slice(&chunk);
        }
        if !image.length.is_met_by(bytes.len() as u64) {
            return Ok(StoredOrNot::WrongLength);
        }
        let hash = Sha256::digest(&bytes);
        let anonymous_owner = anonymous_owner(image.owner.clone(), &image.metadata);
        let info = ImageInfo {
            path: path.to_string(),
            kind: image.kind,
            owner: image.owner,
            media_type: path.format.media_type().to_owned(),
            size: bytes.len() as u64,
            etag: etag::of_hash(&hash),
            sha256: Some(hex(&hash)),
            created_at: self.clock.now(),
            original_had_credentials: original_had_credentials(&image.metadata),
        };
        let image = Image {
            info,
            bytes: bytes.into(),
            anonymous_owner,
        };
        let answer = stored(&path, &hash, &self.signing);
        let mut images = self.images.lock();
        images.insert((&path).into(), image);
        // Under the lock, so that the image is never counted twice.
        drop(under_way);
        Ok(answer)
    }

    /// None: no such image.
    fn find(&self, path: &str) -> Option<(ImageInfo, Bytes)> {
        let name = ImageKey::from(&ImagePath::parse(path)?);
        let images = self.images.lock();
        let image = images.get(&name)?;
        // An image in another format may have replaced it meanwhile.
        (image.info.path == path).then(|| (image.info.clone(), image.bytes.clone()))
    }

    /// Checks the owner's limits, and makes a reservation.
    fn begin(
        &self,
        path: &ImagePath,
        limits: Option<ImageLimits>,
        longest: u64,
    ) -> Result<Reservation, ImageLimit> {
        let images = self.images.lock();
        if let Some(limits) = limits {
            let wanted = ImageKey::from(path);
            let mut usage = ImageUsage::default();
            self.under_way.add_to(path, &mut usage);
            for (name, image) in &*images {
                let is_of_owner = name.kind == wanted.kind && name.owner == wanted.owner;
                // An image of the same name would be replaced, and does not count.
                if is_of_owner && *name != wanted {
                    usage.add_stored(image.info.size);
                }
            }
            limits.admit(usage, longest)?;
        }
        Ok(self.under_way.begin(path, longest, None))
    }
}

fn part(bytes: &Bytes, range: Option<ByteRange>) -> Result<Bytes, CapabilityError> {
    let part = within(range, bytes.len() as u64)?;
    // A range within bytes in memory always fits into `usize`.
    let at = |place: u64| usize::try_from(place).unwrap_or(bytes.len());
    Ok(bytes.slice(at(part.start)..at(part.end)))
}

impl ImageStore for MemoryImages {
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot> {
        Box::pin(self.store(image, contents))
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        Box::pin(async move { Ok(self.find(path).map(|(info, _)| info)) })
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        Box::pin(async move {
            let Some((info, bytes)) = self.find(path) else {
                return Ok(None);
            };
            let mut rest = part(&bytes, range)?;
            let chunks = std::iter::from_fn(move || {
                let length = rest.len().min(CHUNK_SIZE);
                (length > 0).then(|| Ok(rest.split_to(length)))
            });
            Ok(Some((info, stream::iter(chunks).boxed())))
        })
    }

    fn has_uploads<'a>(&'a self, owner: &'a str) -> Answer<'a, bool> {
        let tag = tag_of(owner);
        let is_upload = |name: &ImageKey| name.kind == ImageKind::Upload && name.owner == tag;
        let has_uploads = self.images.lock().keys().any(is_upload);
        Box::pin(async move { Ok(has_uploads) })
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            if self.find(path).is_some()
                && let Some(path) = ImagePath::parse(path)
            {
                self.images.lock().remove(&ImageKey::from(&path));
            }
            Ok(())
        })
    }

    fn delete_uploads<'a>(&'a self, owner: &'a str, _: u32) -> Answer<'a, bool> {
        let tag = tag_of(owner);
        let is_upload = |name: &ImageKey| name.kind == ImageKind::Upload && name.owner == tag;
        self.images.lock().retain(|name, _| !is_upload(name));
        Box::pin(async { Ok(false) })
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let now = self.clock.now();
            self.signing.sign_path(path, origin, now)
        })
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        Box::pin(async move { Ok(self.signing.resolve(url, origin, self.clock.now())) })
    }

    fn list(&self, kind: ImageKind) -> Answer<'_, Images> {
        let listed: Vec<_> = self
            .images
            .lock()
            .values()
            .filter(|image| image.info.kind == kind)
            .map(|image| {
                Ok(Listed {
                    path: image.info.path.clone(),
                    created_at: image.info.created_at,
                    anonymous_owner: image.anonymous_owner.clone(),
                })
            })
            .collect();
        Box::pin(async move { Ok(stream::iter(listed).boxed()) })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
