//! Where a refined image says that it comes from.

use serde::{Deserialize, Serialize};

use crate::image::metadata::Metadata;

/// The metadata of a stored image that says whether its original had content credentials:
/// an attempt that goes on after a crash knows of its predecessor's original from it.
pub const ORIGINAL_HAD_CREDENTIALS: &str = "original_had_credentials";

/// What the bytes of a refined image say of its origin, and what its original had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The last part of the address of the digital source type. None: there is none, or
    /// there are content credentials, which are not read.
    pub source: Option<String>,
    /// What the image bears.
    pub mark: Mark,
    /// Whether the original bore content credentials.
    pub original_had_credentials: bool,
}

crate::words! {
    /// What makes an image say that a model made it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Mark {
        /// Content credentials.
        C2pa = "c2pa",
        /// A digital source type in XMP.
        Xmp = "xmp",
        /// Nothing.
        None = "none",
    }
}

impl Provenance {
    /// Of an image that says this of itself.
    pub fn of(
        has_credentials: bool,
        source_type: Option<String>,
        original_had_credentials: bool,
    ) -> Self {
        let (source, mark) = match (has_credentials, source_type) {
            (true, _) => (None, Mark::C2pa),
            (false, Some(source)) => (Some(source), Mark::Xmp),
            (false, None) => (None, Mark::None),
        };
        Self {
            source,
            mark,
            original_had_credentials,
        }
    }
}

/// The marks of an image that says this of itself.
pub fn marks(image: &Metadata) -> impl Iterator<Item = Mark> {
    let credentials = image.has_credentials().then_some(Mark::C2pa);
    let source = image.source_type().map(|_| Mark::Xmp);
    credentials.into_iter().chain(source)
}

/// Whether the metadata of a stored image says that its original had content credentials.
pub fn original_had_credentials(metadata: &[(String, String)]) -> bool {
    metadata
        .iter()
        .any(|(name, value)| name == ORIGINAL_HAD_CREDENTIALS && value == "true")
}
