//! Images: uploaded originals and refined ones. The promises stand in
//! `wit/image-store.wit`.
//!
//! An image is there whole or not at all, and never changes. It is named by its
//! `ImagePath`, in every backend alike; what is no such path names
//! nothing, so no string from outside ever becomes part of a file's name.

pub mod file;
mod link;
pub mod memory;
mod operation;

use bytes::Bytes;
use concept_refinement_domain::capability::{
    ByteRange, CapabilityError, ImageInfo, ImageKind, NewImage, Resolved, StoredOrNot,
};
use concept_refinement_domain::timestamp::Timestamp;
use futures::stream::BoxStream;

use super::Answer;

pub use concept_refinement_domain::image_url::Signing;
pub use operation::{ImageOperation, ImageReply};

/// An image's bytes in order. An error ends them: what came before it is not
/// the whole.
pub type Contents = BoxStream<'static, Result<Bytes, CapabilityError>>;

/// What is told of an image in a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its `ImagePath`, as text.
    pub path: String,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// Images one by one. An error ends them: there may be more.
pub type Images = BoxStream<'static, Result<Listed, CapabilityError>>;

/// Stores images.
pub trait ImageStore: Send + Sync {
    /// Stores an image whole, durably, before it answers. An image of the same
    /// name, kind and owner is replaced; another owner's is another image.
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

    /// Removes an image. A repeat changes nothing.
    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()>;

    /// An absolute URL by which anyone may load the image for a while, on the
    /// public URL, or else on `origin` (`http://host:port`).
    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String>;

    /// Whether a URL lies where this service's own images are (on the public
    /// URL or on `origin`), and which it names. The image need not exist.
    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>>;

    /// All images of a kind, in any order. One that is stored or deleted
    /// meanwhile may be among them or not.
    fn list(&self, kind: ImageKind) -> Answer<'_, Images>;

    /// Whether the store can be used, for writing too.
    fn check(&self) -> Answer<'_, ()>;
}

fn no_such_name() -> CapabilityError {
    CapabilityError::invalid("An image cannot have this name or type.")
}
