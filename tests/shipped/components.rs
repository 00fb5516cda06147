//! What the components that ship ask of a platform: their own world, HTTP where
//! it is theirs, and what Rust's standard library brings along. Nothing else,
//! or they would not run everywhere.

mod expected;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use concept_refinement_tests::artifacts;
use wasmparser::{Parser, Payload};
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use expected::{ADAPTERS, COMPOSED, Expected, STD, components};

/// What a composed component may have of code, in bytes.
const MAX_CODE: usize = 5_300_000;

/// The one that is the API.
const MAX_API_CODE: usize = 2_700_000;

#[test]
fn a_component_imports_its_world_and_the_standard_librarys_base() {
    let engine = engine();
    let own: Vec<_> = components().collect();
    let shipped = own.iter().chain(&ADAPTERS);
    let shipped = shipped.map(|expected| (component(expected.name), expected));
    let composed = COMPOSED.iter().flat_map(|expected| {
        let (local, scripted) = (
            artifacts::composed(expected.name),
            artifacts::test_composed(expected.name),
        );
        [(local, expected), (scripted, expected)]
    });
    let mut problems = Vec::new();
    for (path, expected) in shipped.chain(composed) {
        let (imports, exports) = types(&engine, &path);
        for import in imports {
            if !is_expected(&import, expected.imports) {
                problems.push(format!("{} imports {import}", path.display()));
            }
        }
        let expected = expected.exports.iter().map(|name| (*name).to_owned());
        if exports != expected.collect() {
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
    let engine = engine();
    for Expected { name, .. } in components() {
        let (imports, _) = types(&engine, &component(name));
        let reaches = |interface: &str| imports.iter().any(|import| import.starts_with(interface));
        let may = !["masked", "model-local", "model-fallback", "model-cache"].contains(&name);
        assert_eq!(reaches("wasi:http/client@"), may, "{name}");
        assert!(!reaches("wasi:sockets"), "{name}");
        assert!(!reaches("wasi:filesystem"), "{name}");
    }
}

#[test]
fn the_code_of_composed_components_is_small() {
    for (name, limit) in [
        ("spin-api", MAX_API_CODE),
        ("spin-processor", MAX_CODE),
        ("standalone", MAX_CODE),
    ] {
        let code = code(&std::fs::read(artifacts::composed(name)).unwrap());
        assert!(code <= limit, "{name}: {code} bytes");
    }
}

/// In bytes, of all modules within: what a browser is sent is data.
fn code(component: &[u8]) -> usize {
    let payloads = Parser::new(0).parse_all(component);
    let sizes = payloads.map(|payload| match payload.unwrap() {
        Payload::CodeSectionStart { size, .. } => usize::try_from(size).unwrap(),
        _ => 0,
    });
    sizes.sum()
}

/// One of the interfaces, or of the standard library's, in its WASI 0.2.
fn is_expected(import: &str, interfaces: &[&str]) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    interfaces.contains(&import)
        || (version.starts_with("0.2.")
            && (STD.contains(&interface) || interfaces.contains(&interface)))
}

fn component(name: &str) -> PathBuf {
    artifacts::components().join(format!("{name}.wasm"))
}

fn types(engine: &Engine, path: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let component = Component::from_file(engine, path).unwrap();
    let types = component.component_type();
    let imports = types.imports(engine).map(|(name, _)| name.to_owned());
    let exports = types.exports(engine).map(|(name, _)| name.to_owned());
    (imports.collect(), exports.collect())
}

fn engine() -> Engine {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    // Only their types are looked at.
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    Engine::new(&config).unwrap()
}
