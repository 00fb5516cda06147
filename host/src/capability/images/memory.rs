//! Images in memory, for a host that stores nothing. It holds whole images, so
//! its user bounds how many there are at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, NewImage, Resolved, Stored, StoredOrNot,
    within,
};
use concept_refinement_domain::etag;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::{Contents, ImageStore, Images, Listed, no_such_name};
use crate::capability::{Answer, Clock};
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::image_url::Signing;

/// In bytes.
const CHUNK_SIZE: usize = 256 * 1024;

/// Images in memory.
pub struct MemoryImages {
    signing: Signing,
    clock: Arc<dyn Clock>,
    images: Mutex<HashMap<Name, Image>>,
}

/// The format is not part of the file name, so an image of another format
/// replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    kind: ImageKind,
    tag: String,
    name: String,
}

struct Image {
    info: ImageInfo,
    bytes: Bytes,
}

impl MemoryImages {
    /// Without any image yet.
    pub fn new(signing: Signing, clock: Arc<dyn Clock>) -> Self {
        Self {
            signing,
            clock,
            images: Mutex::default(),
        }
    }

    async fn store(
        &self,
        image: NewImage,
        mut contents: Contents,
    ) -> Result<StoredOrNot, CapabilityError> {
        let path = ImagePath::of(&image).ok_or_else(no_such_name)?;
        if !has_room(&self.images(), &path, image.at_most) {
            return Ok(StoredOrNot::TooMany);
        }
        let length = usize::try_from(image.length)
            .map_err(|_| CapabilityError::invalid("The image store cannot keep this."))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = contents.next().await {
            let chunk = chunk?;
            if chunk.len() > length.saturating_sub(bytes.len()) {
                return Ok(StoredOrNot::WrongLength);
            }
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() < length {
            return Ok(StoredOrNot::WrongLength);
        }
        let mut images = self.images();
        if !has_room(&images, &path, image.at_most) {
            return Ok(StoredOrNot::TooMany);
        }
        let stored = Stored {
            path: path.to_string(),
            url: self.signing.unsigned(&path.to_string()),
        };
        let info = ImageInfo {
            path: path.to_string(),
            kind: image.kind,
            owner: image.owner,
            media_type: path.format.media_type().to_owned(),
            size: image.length,
            etag: etag::of_hash(&Sha256::digest(&bytes)),
            created_at: self.clock.now(),
        };
        let image = Image {
            info,
            bytes: bytes.into(),
        };
        images.insert(Name::of(&path), image);
        Ok(StoredOrNot::Stored(stored))
    }

    /// None: no such image.
    fn find(&self, path: &str) -> Option<(ImageInfo, Bytes)> {
        let name = Name::of(&ImagePath::parse(path)?);
        let images = self.images();
        let image = images.get(&name)?;
        // An image in another format may have replaced it meanwhile.
        (image.info.path == path).then(|| (image.info.clone(), image.bytes.clone()))
    }

    fn images(&self) -> MutexGuard<'_, HashMap<Name, Image>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Name {
    fn of(path: &ImagePath) -> Self {
        Self {
            kind: path.kind,
            tag: path.tag.clone(),
            name: path.name.clone(),
        }
    }
}

/// Whether the owner may have one more image.
fn has_room(images: &HashMap<Name, Image>, path: &ImagePath, at_most: Option<u32>) -> bool {
    let Some(at_most) = at_most else {
        return true;
    };
    let wanted = Name::of(path);
    let others = images
        .keys()
        .filter(|name| name.kind == wanted.kind && name.tag == wanted.tag && **name != wanted)
        .count();
    u32::try_from(others).is_ok_and(|others| others < at_most)
}

fn part(bytes: &Bytes, range: Option<ByteRange>) -> Result<Bytes, CapabilityError> {
    let part = within(range, bytes.len() as u64)?;
    // A range within bytes in memory fits into `usize`.
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

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            if self.find(path).is_some()
                && let Some(path) = ImagePath::parse(path)
            {
                self.images().remove(&Name::of(&path));
            }
            Ok(())
        })
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
            .images()
            .values()
            .filter(|image| image.info.kind == kind)
            .map(|image| {
                Ok(Listed {
                    path: image.info.path.clone(),
                    created_at: image.info.created_at,
                })
            })
            .collect();
        Box::pin(async move { Ok(stream::iter(listed).boxed()) })
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
