//! Models and middleware that were built with the interfaces of 0.1.0 go on working.

use std::path::Path;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures::{self, brightness, decode};

use crate::place::{Done, Place, run};

const INVERTED: &str = "A model of 0.1.0 inverted the colours.";
const PASSED_ON: &str = "A middleware of 0.1.0 passed this on.";

/// A chain in which these names stand for components.
fn chain(text: &str) -> String {
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("released/0.1.0");
    // The longer names come first.
    let components = [
        ("MODEL_0_1", released.join("model.wasm")),
        ("MIDDLEWARE_0_1", released.join("middleware.wasm")),
        ("MODEL", artifacts::scripted_model()),
        (
            "MIDDLEWARE",
            artifacts::test_component("middleware-scripted"),
        ),
    ];
    components
        .iter()
        .fold(text.to_owned(), |text, (name, path)| {
            text.replace(name, path.to_str().unwrap())
        })
}

fn refined(place: &Place, model: &str, prompt: &str) -> Done {
    let model = format!("--model={}", chain(model));
    let mut command = place.command(&["refine", "logo.png", prompt, "-o", "out.png", &model]);
    if model.contains("model.wasm") {
        command.env("REFINEMENT_MODELS_MODEL_STYLE", "neat");
    }
    run(&mut command, b"")
}

#[test]
fn what_was_built_with_0_1_0_refines() {
    let picture = pictures::png(32, 24);
    let before = brightness(&decode(&picture.bytes));
    for (model, prompt, notes) in [
        (
            "MODEL_0_1",
            "invert it",
            &[INVERTED, "Its style is neat."][..],
        ),
        ("fallback(MODEL_0_1, local)", "invert it", &[INVERTED]),
        ("cache(MODEL_0_1)", "invert it", &[INVERTED]),
        ("MODEL_0_1", "invert it by its receipt", &[INVERTED]),
        (
            "MIDDLEWARE_0_1(MODEL_0_1)",
            "invert it",
            &[INVERTED, PASSED_ON],
        ),
        (
            "cache(MIDDLEWARE_0_1(MODEL_0_1))",
            "invert it",
            &[PASSED_ON],
        ),
        ("MIDDLEWARE_0_1(local)", "invert the colors", &[PASSED_ON]),
        (
            "MIDDLEWARE_0_1(fallback(local))",
            "invert the colors",
            &[PASSED_ON],
        ),
        // Seed and mask do not reach it.
        (
            "MIDDLEWARE(cache(MODEL_0_1))",
            "ask with a mask",
            &[INVERTED],
        ),
    ] {
        let place = Place::new();
        place.write("logo.png", &picture.bytes);
        let done = refined(&place, model, prompt);
        assert_eq!(done.code, 0, "{model}: {}", done.stderr);
        for note in notes {
            assert!(done.stderr.contains(note), "{model}: {}", done.stderr);
        }
        let after = brightness(&decode(&place.read("out.png")));
        let difference = (before + after - 255.0).abs();
        assert!(difference < 1.0, "{model}: {before}, then {after}");
    }
}

#[test]
fn what_it_refuses_is_told() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(8, 8).bytes);
    let all = r#"seed Some(7), options [("size", "large")], mask image/png, 70000 bytes, usage true true"#;
    let nothing = "seed None, options [], mask none, usage true true";
    for (model, prompt, expected) in [
        ("MODEL_0_1", "do the impossible", "that is impossible"),
        (
            "MIDDLEWARE_0_1(local)",
            "more blood",
            "this service makes no violent pictures",
        ),
        ("MIDDLEWARE_0_1(MODEL)", "refuse: no logos", "no logos"),
        ("MIDDLEWARE_0_1(MODEL)", "trap now", "the model crashed"),
        // What a request has besides, and what it costs, is for components of now.
        ("MIDDLEWARE(MODEL)", "ask with a mask", all),
        ("MIDDLEWARE(cache(fallback(MODEL)))", "ask with a mask", all),
        (
            "MIDDLEWARE(MIDDLEWARE_0_1(MODEL))",
            "ask with a mask",
            nothing,
        ),
    ] {
        let done = refined(&place, model, prompt);
        assert_eq!(done.code, 1, "{model}: {}", done.stderr);
        assert!(done.stderr.contains(expected), "{model}: {}", done.stderr);
    }
}
