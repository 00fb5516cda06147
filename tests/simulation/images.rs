//! The host's images in memory, read and changed at once.

use std::sync::Arc;

use concept_refinement_capability::Clock;
use concept_refinement_capability::images::{ImageStore as _, Listed};
use concept_refinement_domain::capability::{
    CapabilityError, ImageInfo, ImageKind, ImageLength, NewImage, StoredOrNot,
};
use concept_refinement_embedded::memory::MemoryImages;
use concept_refinement_tests::capabilities::signing;
use concept_refinement_tests::flaws;
use futures::{TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use crate::flaws::Flaw;
use crate::store::drive;

pub struct Images {
    pub stored: MemoryImages,
    flaw: Option<Flaw>,
}

impl Images {
    pub fn new(clock: Arc<dyn Clock>, flaw: Option<Flaw>) -> Self {
        Self {
            stored: MemoryImages::new(signing(), clock),
            flaw,
        }
    }

    pub fn put(
        &self,
        mut image: NewImage,
        mut bytes: Vec<u8>,
    ) -> Result<StoredOrNot, CapabilityError> {
        if self.flaw == Some(Flaw::HalfAnImage) {
            bytes.truncate(bytes.len() / 2);
            image.length = ImageLength::Exactly(bytes.len() as u64);
        }
        drive(
            self.stored
                .put(image, Box::pin(stream::iter([Ok(bytes.into())]))),
        )
    }

    pub fn get(&self, path: &str) -> Option<(ImageInfo, Vec<u8>)> {
        let (info, contents) = drive(self.stored.get(path, None)).unwrap()?;
        let chunks: Vec<_> = drive(contents.try_collect()).unwrap();
        Some((info, chunks.concat()))
    }

    pub fn stat(&self, path: &str) -> Option<ImageInfo> {
        let is_forgotten = self.flaw == Some(Flaw::Store(flaws::Flaw::Forgetting));
        let found = self.get(path).filter(|_| !is_forgotten);
        found.map(|(info, _)| info)
    }

    pub fn delete(&self, path: &str) {
        drive(self.stored.delete(path)).unwrap();
    }

    /// By their paths, so that the order is always the same.
    pub fn list(&self, kind: ImageKind) -> Vec<Listed> {
        let listed = drive(self.stored.list(kind)).unwrap();
        let mut listed: Vec<_> = drive(listed.try_collect()).unwrap();
        listed.sort_by(|a: &Listed, b| a.path.cmp(&b.path));
        listed
    }

    pub fn paths(&self) -> Vec<String> {
        let listed = self.list(ImageKind::Refined).into_iter();
        listed.map(|image| image.path).collect()
    }
}

/// A whole image of one pixel whose colours follow from the text.
pub fn picture(of: &str) -> Vec<u8> {
    let hash = Sha256::digest(of);
    let mut bytes = b"GIF89a\x01\x00\x01\x00\x80\x00\x00".to_vec();
    bytes.extend_from_slice(&hash[..6]);
    bytes.extend_from_slice(
        b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;",
    );
    bytes
}
