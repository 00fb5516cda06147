//! Metadata of a component: name, version, licences and, if known, the source
//! revision. It is stored in the custom sections that other tools use.

use std::env;

use wasm_encoder::{ComponentSection as _, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField};

/// The variable with the source revision, if set.
const REVISION: &str = "SOURCE_REVISION";

/// Adds the metadata to a component.
///
/// `wasm-metadata` writes the name. Its feature `oci` could write the other fields too,
/// but has dozens of dependencies, and xtask is what everybody has to compile first.
pub fn added(component: &[u8], name: &str) -> anyhow::Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(name.to_owned());
    let mut component = metadata.to_wasm(component)?;
    let revision = env::var(REVISION).unwrap_or_default();
    for (field, value) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("revision", &revision),
    ] {
        if !value.is_empty() {
            let section = CustomSection {
                name: field.into(),
                data: value.as_bytes().into(),
            };
            section.append_to_component(&mut component);
        }
    }
    Ok(component)
}
