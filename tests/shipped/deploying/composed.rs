//! The composed components, which `cargo xtask test` made.

use concept_refinement_tests::artifacts;

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
