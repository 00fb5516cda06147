//! Metadata of a component: name, version, licences and, if known, the source
//! revision. It is stored in the custom sections that other tools use.

use std::env;

use wasm_metadata::{AddMetadata, AddMetadataField, Licenses, Revision, Version};

/// The variable with the source revision, if set.
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
