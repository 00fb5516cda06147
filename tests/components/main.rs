//! What the components that ship ask of a platform: their own world, HTTP where
//! it is theirs, and what Rust's standard library brings along. Nothing else,
//! or they would not run everywhere.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

use std::collections::BTreeSet;

use concept_refinement_tests::artifacts;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

/// What Rust's standard library imports, without the version: its base. There
/// are no files and no sockets in it, and the host fills it with nothing.
const STD: [&str; 16] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    // Hash maps are seeded.
    "wasi:random/insecure-seed",
];

struct Expected {
    name: &'static str,
    imports: &'static [&'static str],
    exports: &'static [&'static str],
}

const COMPONENTS: [Expected; 6] = [
    Expected {
        name: "api",
        imports: &[
            "concept:refinement/types@0.1.0",
            "concept:refinement/settings@0.1.0",
            "concept:refinement/health@0.1.0",
            "concept:refinement/task-store@0.1.0",
            "concept:refinement/task-queue@0.1.0",
            "concept:refinement/image-store@0.1.0",
            "concept:refinement/concept-store@0.1.0",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: &["wasi:http/handler@0.3.0"],
    },
    Expected {
        name: "processor",
        imports: &[
            "concept:refinement/types@0.1.0",
            "concept:refinement/settings@0.1.0",
            "concept:refinement/task-store@0.1.0",
            "concept:refinement/image-store@0.1.0",
            "concept:refinement/concept-store@0.1.0",
            "concept:refinement/progress@0.1.0",
            "concept:refinement/image-model@0.1.0",
            "wasi:http/client@0.3.0",
            "wasi:http/types@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/system-clock@0.3.0",
            "wasi:random/random@0.3.0",
            "wasi:random/random",
        ],
        exports: &["concept:refinement/processor@0.1.0"],
    },
    Expected {
        name: "model-local",
        imports: &["concept:refinement/settings@0.1.0"],
        exports: MODEL_EXPORTS,
    },
    Expected {
        name: "model-jigsawstack",
        imports: PROVIDER_IMPORTS,
        exports: MODEL_EXPORTS,
    },
    Expected {
        name: "model-openai",
        imports: PROVIDER_IMPORTS,
        exports: MODEL_EXPORTS,
    },
    Expected {
        name: "model-automatic1111",
        imports: PROVIDER_IMPORTS,
        exports: MODEL_EXPORTS,
    },
];

const MODEL_EXPORTS: &[&str] = &["concept:refinement/image-model@0.1.0"];

/// Of a model that asks a provider: no timer, since it neither waits nor asks
/// again.
const PROVIDER_IMPORTS: &[&str] = &[
    "concept:refinement/settings@0.1.0",
    "wasi:http/client@0.3.0",
    "wasi:http/types@0.3.0",
    "wasi:clocks/types@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:random/random@0.3.0",
    "wasi:random/random",
];

#[test]
fn a_component_imports_its_world_and_the_standard_librarys_base() {
    let engine = engine();
    for expected in COMPONENTS {
        let (imports, exports) = types(&engine, expected.name);
        let unexpected: Vec<&String> = imports
            .iter()
            .filter(|import| !is_expected(import, expected.imports))
            .collect();
        assert!(unexpected.is_empty(), "{}: {unexpected:?}", expected.name);
        let expected_exports = expected.exports.iter().map(|name| (*name).to_owned());
        assert_eq!(exports, expected_exports.collect(), "{}", expected.name);
    }
}

/// The pipeline, the models of providers and, for the keys of an issuer, the API
/// reach the outside, by wasi:http alone; a model that needs no provider reaches
/// nothing at all.
#[test]
fn who_reaches_out_does_so_by_http() {
    let engine = engine();
    for Expected { name, .. } in COMPONENTS {
        let (imports, _) = types(&engine, name);
        let reaches = |interface: &str| imports.iter().any(|import| import.starts_with(interface));
        let may = name != "model-local";
        assert_eq!(reaches("wasi:http/client@"), may, "{name}");
        assert!(!reaches("wasi:sockets"), "{name}");
        assert!(!reaches("wasi:filesystem"), "{name}");
    }
}

/// One of the interfaces, or of the standard library's, in its WASI 0.2.
fn is_expected(import: &str, interfaces: &[&str]) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    interfaces.contains(&import)
        || (version.starts_with("0.2.")
            && (STD.contains(&interface) || interfaces.contains(&interface)))
}

fn types(engine: &Engine, name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let path = artifacts::components().join(format!("{name}.wasm"));
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
