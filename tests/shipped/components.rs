//! What the components that ship ask of a platform: their own world, HTTP where
//! it is theirs, and what Rust's standard library brings along. Nothing else,
//! or they would not run everywhere.

mod contents;
mod expected;

use std::collections::BTreeSet;
use std::path::PathBuf;

use concept_refinement_tests::artifacts;

use contents::Contents;
use expected::{Expected, STD, adapters, components, composed};

/// What a composed component may have of code, in bytes: 170 kB of it are the Model Context
/// Protocol, where the API is in it.
const MAX_CODE: usize = 5_500_000;

/// The one that is the API.
const MAX_API_CODE: usize = 2_900_000;

/// The whole file: 150 kB are the page's samples, 34 kB the weights of a network.
const MAX_SIZE: usize = 7_500_000;

#[test]
fn a_component_imports_its_world_and_the_standard_librarys_base() {
    let (own, adapters, composed) = (components(), adapters(), composed());
    let shipped = own.iter().chain(&adapters);
    let shipped = shipped.map(|expected| (component(expected.name), expected));
    let composed = composed.iter().flat_map(|expected| {
        let (local, scripted) = (
            artifacts::composed(expected.name),
            artifacts::test_composed(expected.name),
        );
        [(local, expected), (scripted, expected)]
    });
    let mut problems = Vec::new();
    for (path, expected) in shipped.chain(composed) {
        let Contents {
            imports, exports, ..
        } = Contents::of(&path);
        for import in imports {
            if !is_expected(&import, &expected.imports) {
                problems.push(format!("{} imports {import}", path.display()));
            }
        }
        if exports != expected.exports {
            problems.push(format!("{} exports {exports:?}", path.display()));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The pipeline, the models of providers and, for the keys of an issuer, the API
/// reach the outside, by wasi:http alone; a model that needs no provider, and what
/// stands before models, reaches nothing at all.
#[test]
fn who_reaches_out_does_so_by_http() {
    for Expected { name, .. } in components() {
        let imports = Contents::of(&component(name)).imports;
        let reaches = |interface: &str| imports.iter().any(|import| import.starts_with(interface));
        let may = !["masked", "model-local", "model-fallback", "model-cache"].contains(&name);
        assert_eq!(reaches("wasi:http/client@"), may, "{name}");
        assert!(!reaches("wasi:sockets"), "{name}");
        assert!(!reaches("wasi:filesystem"), "{name}");
    }
}

#[test]
fn composed_components_are_small() {
    for (name, limit) in [
        ("spin-api", MAX_API_CODE),
        ("spin-processor", MAX_CODE),
        ("standalone", MAX_CODE),
    ] {
        for path in [artifacts::composed(name), artifacts::test_composed(name)] {
            let Contents { code, size, .. } = Contents::of(&path);
            assert!(
                code > 500_000,
                "{path:?}: {code} bytes of code cannot be all"
            );
            assert!(code <= limit, "{path:?}: {code} bytes of code");
            assert!(size <= MAX_SIZE, "{path:?}: {size} bytes");
        }
    }
}

/// One of the interfaces, or of the standard library's, in its WASI 0.2.
fn is_expected(import: &str, interfaces: &BTreeSet<String>) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    interfaces.contains(import)
        || (version.starts_with("0.2.")
            && (STD.contains(&interface) || interfaces.contains(interface)))
}

fn component(name: &str) -> PathBuf {
    artifacts::components().join(format!("{name}.wasm"))
}
