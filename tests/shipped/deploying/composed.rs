//! The composed components, which `cargo xtask test` made.

use std::collections::BTreeSet;
use std::path::PathBuf;

use concept_refinement_tests::artifacts;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

/// Of code, without what it shows and says.
const MAX_API_CODE: u64 = 2_700_000;
/// Of the whole file: 150 kB are the page's samples, 34 kB the weights of a network.
const MAX_ALL: u64 = 7_200_000;

fn composed() -> Vec<PathBuf> {
    let names = ["spin-api", "spin-processor", "standalone"];
    let both = |name| [artifacts::composed(name), artifacts::test_composed(name)];
    names.into_iter().flat_map(both).collect()
}

fn engine() -> Engine {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    Engine::new(&config).unwrap()
}

#[test]
fn a_composed_component_handles_requests_and_knows_nothing_of_ours() {
    let engine = engine();
    for path in composed() {
        let component = Component::from_file(&engine, &path).unwrap();
        let component = component.component_type();
        let imports: BTreeSet<_> = component
            .imports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let exports: Vec<_> = component
            .exports(&engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(exports, ["wasi:http/handler@0.3.0"], "{path:?}");
        let ours = imports.iter().find(|import| import.starts_with("concept:"));
        assert_eq!(ours, None, "{path:?}");
        let needs = |interface: &str| imports.iter().any(|import| import.starts_with(interface));
        let on_spin = !path.ends_with("standalone.wasm");
        assert_eq!(needs("wasi:keyvalue/"), on_spin, "{path:?}");
        assert_eq!(needs("wasi:filesystem/"), !on_spin, "{path:?}");
        assert!(!needs("wasi:sockets/"), "{path:?}");
    }
}

/// The bytes of the components that run everywhere are in it as they are.
#[test]
fn what_is_composed_is_what_our_host_runs() {
    let components = artifacts::components();
    for (name, parts) in [
        ("spin-api", &["api", "notifier"][..]),
        (
            "spin-processor",
            &["processor", "masked", "notifier", "model-local"][..],
        ),
        (
            "standalone",
            &["api", "processor", "masked", "notifier", "model-local"][..],
        ),
    ] {
        let composed = std::fs::read(artifacts::composed(name)).unwrap();
        for part in parts {
            let bytes = std::fs::read(components.join(part).with_extension("wasm")).unwrap();
            let is_in = composed
                .windows(bytes.len())
                .any(|window| window[..64] == bytes[..64] && window == bytes);
            assert!(is_in, "{part} is not in {name} as it is");
        }
    }
}

#[test]
fn composed_components_are_small() {
    let api = std::fs::read(artifacts::composed("spin-api")).unwrap();
    let code = code(&api);
    assert!(code > 500_000, "{code} bytes of code cannot be all");
    assert!(code <= MAX_API_CODE, "spin-api has {code} bytes of code");
    for path in composed() {
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size <= MAX_ALL, "{path:?} has {size} bytes");
    }
}

/// The bytes of the code sections of all modules in a component, or in a module.
fn code(wasm: &[u8]) -> u64 {
    let is_component = wasm[4] == 0x0d;
    let mut sum = 0;
    let mut rest = &wasm[8..];
    while let Some((id, after)) = rest.split_first() {
        let (length, after) = number(after);
        let (body, after) = after.split_at(length);
        sum += match (is_component, id) {
            // A module, a component.
            (true, 1 | 4) => code(body),
            (false, 10) => body.len() as u64,
            _ => 0,
        };
        rest = after;
    }
    sum
}

/// In LEB128.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let digits = bytes[..=end].iter().rev();
    let number = digits.fold(0, |number, byte| (number << 7) | usize::from(byte & 0x7f));
    (number, &bytes[end + 1..])
}
