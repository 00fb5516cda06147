//! The same components everywhere: a composition holds them byte for byte, and
//! nobody but the adapters knows a platform.

use concept_refinement_tests::artifacts;

#[test]
fn the_components_are_the_same_bytes_in_all_compositions() {
    for (composition, parts) in [
        ("spin-api", &["api", "notifier"][..]),
        ("spin-processor", &["processor", "notifier", "model-local"]),
        (
            "standalone",
            &["api", "processor", "notifier", "model-local"],
        ),
    ] {
        let composed = std::fs::read(artifacts::composed(composition)).unwrap();
        let tested = std::fs::read(artifacts::test_composed(composition)).unwrap();
        for part in parts {
            let path = artifacts::components().join(format!("{part}.wasm"));
            let bytes = std::fs::read(path).unwrap();
            assert_eq!(count(&composed, &bytes), 1, "{part} in {composition}");
            if !part.starts_with("model-") {
                assert_eq!(count(&tested, &bytes), 1, "{part} in the tests'");
            }
        }
        if parts.contains(&"model-local") {
            let scripted = std::fs::read(artifacts::scripted_model()).unwrap();
            assert_eq!(count(&tested, &scripted), 1, "{composition}");
        }
    }
}

/// How often the bytes are in there.
fn count(whole: &[u8], part: &[u8]) -> usize {
    let (first, _) = part.split_at(64);
    let begins = (0..whole.len()).filter(|at| whole[*at..].starts_with(first));
    begins.filter(|at| whole[*at..].starts_with(part)).count()
}
