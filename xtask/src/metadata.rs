//! What a component says of itself: name, version, licences and, where it is
//! known, the revision of the source. It stands in custom sections, as other
//! tools write and read them, and is the same wherever the component runs.

use std::env;

use wasm_metadata::{AddMetadata, AddMetadataField, Licenses, Revision, Version};

/// Names the revision of the source that is built, if it is set.
const REVISION: &str = "SOURCE_REVISION";

/// The component with its metadata.
pub fn added(component: &[u8], name: &str) -> anyhow::Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(name.to_owned());
    metadata.version = AddMetadataField::Set(Version::new(env!("CARGO_PKG_VERSION")));
    metadata.licenses = AddMetadataField::Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
    if let Some(revision) = env::var(REVISION).ok().filter(|name| !name.is_empty()) {
        metadata.revision = AddMetadataField::Set(Revision::new(revision));
    }
    metadata.to_wasm(component)
}
