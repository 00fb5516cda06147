//! The operations of the image store as values, and the one place that forwards
//! them.

use concept_refinement_domain::capability::{
    ByteRange, ImageInfo, ImageKind, NewImage, Resolved, StoredOrNot,
};

use super::{Contents, ImageStore, Images, Listed};
use crate::Answer;
use crate::intercept::operations;

operations! {
    /// An operation of the image store with its arguments.
    ImageOperation<'a> of ImageStore;

    /// The reply to an operation of the image store.
    ImageReply {
        Stored(StoredOrNot),
        Info(Option<ImageInfo>),
        Image(Option<(ImageInfo, Contents)>),
        Url(String),
        Resolved(Option<Resolved>),
        Images(Images),
        Listed(Option<Listed>),
        Has(bool),
        Done(()),
    }

    ImageStore {
        "images put" Put = put(image: NewImage, contents: Contents) -> StoredOrNot;
        "images stat" Stat = stat(path: &'a str) -> Option<ImageInfo>;
        "images get" Get =
            get(path: &'a str, range: Option<ByteRange>) -> Option<(ImageInfo, Contents)>;
        "images has-uploads" HasUploads = has_uploads(owner: &'a str) -> bool;
        "images delete" Delete = delete(path: &'a str) -> ();
        "images delete-uploads" DeleteUploads =
            delete_uploads(owner: &'a str, limit: u32) -> bool;
        "images sign" Sign = sign(path: &'a str, origin: &'a str) -> String;
        "images resolve" Resolve = resolve(url: &'a str, origin: &'a str) -> Option<Resolved>;
        "images list" List = list(kind: ImageKind) -> Images;
        "images describe" Describe = describe(name: &'a str) -> Option<Listed>;
        "images reconcile" Reconcile = reconcile() -> ();
        "images check" Check = check() -> ();
    }
}
