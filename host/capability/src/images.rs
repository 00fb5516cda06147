//! Uploaded and refined images. `wit/image-store.wit` has the promises.
//!
//! An image is stored completely or not at all, and never changes. In every backend its
//! name is an `ImagePath`. Any other string names no image, so no external string becomes
//! part of a file name.

mod operation;

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, NewImage, Resolved, Stored, StoredOrNot,
};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image_path::{ImagePath, without_format};
use concept_refinement_domain::session::IS_ANONYMOUS;
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::ready;
use futures::stream::BoxStream;

use super::Answer;
use super::upload_reservations::UploadReservations;

pub use concept_refinement_domain::image_url::Signing;
pub use operation::{ImageOperation, ImageReply};

/// Options of an image store, whatever its engine.
#[derive(Clone)]
pub struct Options {
    /// How its URLs are signed.
    pub signing: Signing,
    /// Counts images on behalf of a store that cannot.
    pub upload_reservations: Arc<dyn UploadReservations>,
    /// Memory for images that are being sent to the store, in bytes.
    pub memory: usize,
}

/// The bytes of an image. An error ends the stream, and the image is then
/// incomplete.
pub type Contents = BoxStream<'static, Result<Bytes, CapabilityError>>;

/// One entry of a list of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its `ImagePath`, as text; or the path without the format, if reading the format
    /// would cost a request per image: [`ImageStore::describe`] then gets the rest.
    pub path: String,
    /// When it was stored; for a path without a format, it was stored no earlier than
    /// this.
    pub created_at: Timestamp,
    /// Its owner, if that is an anonymous user.
    pub anonymous_owner: Option<String>,
}

impl Listed {
    /// Whether the list contained all of it.
    pub fn is_whole(&self) -> bool {
        without_format(&self.path) != self.path
    }
}

/// A stream of images. An error ends it, and the list is then incomplete.
pub type Images = BoxStream<'static, Result<Listed, CapabilityError>>;

/// Stores images.
pub trait ImageStore: Send + Sync {
    /// Stores an image durably before it returns. Replaces an image of the same
    /// name, kind and owner.
    fn put(&self, image: NewImage, contents: Contents) -> Answer<'_, StoredOrNot>;

    /// None: no such image.
    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>>;

    /// An image's bytes, or those of a range that lies within it. None: no such
    /// image.
    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>>;

    /// Whether the owner has an upload.
    fn has_uploads<'a>(&'a self, owner: &'a str) -> Answer<'a, bool>;

    /// Deletes an image; for a path without a format, deletes what is stored along with
    /// an image that itself was never stored. Repeating it has no effect.
    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()>;

    /// Deletes uploads of an owner, at most `limit`. True: there may be more.
    fn delete_uploads<'a>(&'a self, owner: &'a str, limit: u32) -> Answer<'a, bool>;

    /// An absolute URL from which anyone may load the image for a limited time. It is
    /// below the public URL, or else below `origin` (`http://host:port`).
    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String>;

    /// Whether a URL is one of this service's image URLs (below the public URL or below
    /// `origin`), and which image it names. The image need not exist.
    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>>;

    /// All images of a kind, in any order. An image that is stored or deleted
    /// meanwhile may be included or not.
    fn list(&self, kind: ImageKind) -> Answer<'_, Images>;

    /// Everything about an image that was listed without its format. None: there is no
    /// such image, or no longer. A store whose lists are always complete has none to describe.
    fn describe<'a>(&'a self, _name: &'a str) -> Answer<'a, Option<Listed>> {
        Box::pin(ready(Ok(None)))
    }

    /// Corrects the count of images that are counted elsewhere but are not stored. A store
    /// that counts its images itself does nothing.
    fn reconcile(&self) -> Answer<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Whether the store can be read and written.
    fn check(&self) -> Answer<'_, ()>;
}

/// The answer for an image that is stored, whose bytes have this SHA-256.
pub fn stored(path: &ImagePath, hash: &[u8], signing: &Signing) -> StoredOrNot {
    let path = path.to_string();
    StoredOrNot::Stored(Stored {
        url: signing.unsigned(&path),
        path,
        sha256: Some(hex(hash)),
    })
}

/// The error for an image whose name or type is not allowed.
pub fn no_such_name() -> CapabilityError {
    CapabilityError::invalid("An image cannot have this name or type.")
}

/// The owner, if the image's metadata says that it is an anonymous user.
pub fn anonymous_owner(owner: String, metadata: &[(String, String)]) -> Option<String> {
    let is_anonymous = |(key, value): &(String, String)| key == IS_ANONYMOUS && value == "true";
    metadata.iter().any(is_anonymous).then_some(owner)
}
