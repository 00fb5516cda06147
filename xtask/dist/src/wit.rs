//! Packs the interfaces into one file, in the format of registries.

use std::path::Path;

use anyhow::Context as _;
use wit_parser::Resolve;

/// The package in a directory.
pub fn package(directory: &Path) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(directory)
        .with_context(|| format!("the interfaces in {} cannot be read", directory.display()))?;
    wit_component::encode(&resolve, package).context("the interfaces cannot be encoded")
}

#[cfg(test)]
mod tests {
    use wit_component::DecodedWasm;

    use super::*;

    #[test]
    fn the_package_can_be_read_again() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let decoded = wit_component::decode(&package(&directory).unwrap()).unwrap();
        let DecodedWasm::WitPackage(resolve, package) = decoded else {
            panic!("it is no package of interfaces");
        };
        let package = &resolve.packages[package];
        assert_eq!(package.name.to_string(), "concept:refinement@0.2.0");
        let mut written = Resolve::default();
        let (expected, _) = written.push_dir(&directory).unwrap();
        let expected = &written.packages[expected];
        assert!(!expected.interfaces.is_empty() && !expected.worlds.is_empty());
        for name in expected.interfaces.keys() {
            assert!(package.interfaces.contains_key(name), "{name}");
        }
        for name in expected.worlds.keys() {
            assert!(package.worlds.contains_key(name), "{name}");
        }
        // The documentation comments have to be kept, since people read them.
        let settings = resolve.interfaces[package.interfaces["settings"]]
            .docs
            .contents
            .as_deref();
        assert!(
            settings.is_some_and(|docs| docs.contains("configuration")),
            "{settings:?}"
        );
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        let problem = format!("{:#}", package(empty.path()).unwrap_err());
        assert!(problem.starts_with("the interfaces in "), "{problem}");
    }
}
