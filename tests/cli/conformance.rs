//! `model test`: whether a model component keeps the interface's promises.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use crate::place::{Done, Place, run};

fn test(model: &str) -> Command {
    Place::new().command(&["model", "test", model])
}

/// The lines that say that a promise is broken.
fn broken(done: &Done) -> Vec<(String, String)> {
    // Of a component that is compiled for the first time.
    let mut said = done.stderr.lines();
    let is_of_compiling = |line: &str| line.starts_with("concept-refinement: compil");
    assert!(said.all(is_of_compiling), "{}", done.stderr);
    done.text()
        .lines()
        .filter_map(|line| line.split_once("FAILED: "))
        .map(|(name, problem)| (name.trim().to_owned(), problem.to_owned()))
        .collect()
}

#[track_caller]
fn keeps_them(name: &str, done: &Done) {
    assert_eq!(broken(done), [], "{name}");
    assert_eq!(done.code, 0, "{name}: {}", done.text());
    let last = done.text().lines().last().unwrap().to_owned();
    let (kept, all) = last.split_once(" of ").unwrap();
    assert_eq!(all, format!("{kept} promises hold"), "{name}");
    assert!(kept.parse::<usize>().unwrap() >= 25, "{name}: {last}");
}

#[test]
fn the_models_without_a_provider_keep_them() {
    keeps_them("local", &run(&mut test("local"), b""));
    for language in ["", "python", "javascript"] {
        let model = artifacts::template(language);
        let done = run(&mut test(model.to_str().unwrap()), b"");
        keeps_them(language, &done);
        let text = done.text();
        let jpeg = match language {
            "" => "a JPEG                             ok: image/png, ",
            _ => {
                "a JPEG                             ok: it refused: this model reads PNG images only"
            }
        };
        for line in ["a PNG                              ok: image/png, ", jpeg] {
            assert!(text.contains(line), "{language}: {line}: {text}");
        }
    }
}

/// A provider that answers whatever it is asked.
fn provider(name: &str) -> Provider {
    let provider = Provider::start();
    let picture = pictures::png(30, 20);
    let base64 = STANDARD.encode(&picture.bytes);
    let json = |value: Value| Reply::ok("application/json", value.to_string().as_bytes());
    let (path, reply) = match name {
        "jigsawstack" => ("/v1/ai/image_variation", Reply::picture(&picture)),
        "openai" => (
            "/v1/images/edits",
            json(json!({"data": [{"b64_json": base64}]})),
        ),
        "stability" => (
            "/v2beta/stable-image/generate/sd3",
            json(json!({"image": base64, "finish_reason": "SUCCESS"})),
        ),
        "replicate" => (
            "/predictions/",
            json(
                json!({"status": "succeeded", "output": format!("data:image/png;base64,{base64}")}),
            ),
        ),
        "automatic1111" => ("/sdapi/v1/img2img", json(json!({"images": [base64]}))),
        _ => ("/view", Reply::picture(&picture)),
    };
    provider.serve_below(path, reply);
    let outputs =
        json!({"9": {"images": [{"filename": "1.png", "subfolder": "", "type": "output"}]}});
    provider.serve_below("/history/run", json(json!({"run": {"outputs": outputs}})));
    provider.serve_below("/history/", json(json!({})));
    provider.serve_below(
        "/queue",
        json(json!({"queue_running": [], "queue_pending": []})),
    );
    provider.serve_below("/upload/image", json(json!({"name": "original.png"})));
    provider.serve_below("/prompt", json(json!({"prompt_id": "run"})));
    provider
}

#[test]
fn the_models_of_providers_keep_them() {
    for name in [
        "jigsawstack",
        "openai",
        "stability",
        "replicate",
        "automatic1111",
        "comfyui",
    ] {
        let provider = provider(name);
        let place = Place::new();
        place.write(
            "workflow.json",
            json!({"1": {"inputs": {"image": "{{image}}"}}}).to_string(),
        );
        let mut command = place.command(&["model", "test", name]);
        command
            .args(["--model-url", &provider.url(), "--model-timeout", "10s"])
            .args(["--model-workflow", "workflow.json"])
            .env("REFINEMENT_MODEL_API_KEY", "me:hush-1234");
        let done = run(&mut command, b"");
        keeps_them(name, &done);
        let refined = "a good image is refined            ok: 4 of 4 were";
        assert!(done.text().contains(refined), "{name}: {}", done.text());
        assert!(!done.text().contains("hush"), "{name}");
    }
}

#[test]
fn a_model_that_breaks_one_is_told_on_the_right_line() {
    let scripted = artifacts::scripted_model();
    let a_png = "a PNG";
    let refined = "a good image is refined";
    for (script, line, problem) in [
        ("trap now", a_png, "the model crashed"),
        (
            "trap midway",
            a_png,
            "it answered an image, but the file is cut short",
        ),
        ("eat memory", a_png, "the model crashed"),
        (
            "hang for ever",
            a_png,
            "the model did not answer within 1 seconds",
        ),
        (
            "answer nonsense",
            a_png,
            "it answered an image, but the file is not an image",
        ),
        (
            "answer truncated",
            a_png,
            "it answered an image, but the file is cut short",
        ),
        (
            "answer empty",
            a_png,
            "it answered an image, but the file is empty",
        ),
        (
            "answer less",
            a_png,
            "it answered an image, but the file is cut short",
        ),
        (
            "say 3 bytes of a media type",
            a_png,
            "it called \"xxx\" what is image/png",
        ),
        (
            "location: ftp://host/1.png",
            a_png,
            "it answered an address that is no http or https URL",
        ),
        (
            "say 5000 bytes of a refusal",
            a_png,
            "it said more than 1000 characters",
        ),
        (
            "say 5000 bytes of an excuse",
            a_png,
            "it said more than 1000 characters",
        ),
        ("refuse:", a_png, "it said nothing"),
        ("refuse: it is hush-1234", a_png, "it told its key"),
        ("describe:", "its description", "it said nothing"),
        (
            "describe:my key is hush-1234",
            "its description",
            "it told its key",
        ),
        ("refuse: no", refined, "it refused all of them"),
        ("unavailable", refined, "it refused all of them"),
    ] {
        let mut command = test(scripted.to_str().unwrap());
        command
            .args(["--model-name", script, "--model-timeout", "1s"])
            .args(["--model-memory", "32MiB"])
            .env("REFINEMENT_MODEL_API_KEY", "hush-1234");
        let done = run(&mut command, b"");
        assert_eq!(done.code, 1, "{script}: {}", done.text());
        let broken = broken(&done);
        let (first, says) = broken.first().unwrap();
        assert_eq!(first, line, "{script}: {}", done.text());
        assert!(says.starts_with(problem), "{script}: {says}");
        if line == refined {
            assert_eq!(broken.len(), 1, "{script}: {}", done.text());
        }
    }
}

/// What it printed before a crash, and why it crashed, without the frames of its stack.
#[test]
fn a_crash_is_told_with_its_reason() {
    let scripted = artifacts::scripted_model();
    let mut command = test(scripted.to_str().unwrap());
    let done = run(command.args(["--model-name", "trap now"]), b"");
    let text = done.text();
    let (_, after) = text.split_once("\na PNG ").unwrap();
    let lines: Vec<&str> = after.lines().take(4).collect();
    assert!(lines[0].contains("FAILED: the model crashed: "), "{text}");
    assert!(lines[0].contains("unreachable"), "{text}");
    assert!(lines[1].starts_with("  | thread "), "{text}");
    assert_eq!(lines[2], "  | the prompt asked for a crash", "{text}");
    assert!(!text.contains("backtrace:"), "{text}");
}

/// The one that answers what it was given keeps all of them.
#[test]
fn what_is_found_is_there_for_programs_too() {
    let scripted = artifacts::scripted_model();
    for (script, code) in [("echo it", 0), ("refuse: no", 1)] {
        let mut command = test(scripted.to_str().unwrap());
        let done = run(command.args(["--json", "--model-name", script]), b"");
        assert_eq!(done.code, code, "{script}: {}", done.text());
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(report["ok"], code == 0, "{script}");
        let first = &report["promises"][0];
        let expected =
            json!({"name": "the interface", "ok": true, "says": "it exports image-model"});
        assert_eq!(*first, expected);
    }
}

#[test]
fn what_is_no_model_is_told() {
    let place = Place::new();
    place.write("text.wasm", "no component");
    let processor = artifacts::components().join("processor.wasm");
    for model in ["./text.wasm", processor.to_str().unwrap()] {
        let done = run(&mut place.command(&["model", "test", model]), b"");
        assert_eq!(done.code, 1, "{model}");
        let broken = broken(&done);
        assert_eq!(broken.len(), 1, "{model}: {broken:?}");
        assert_eq!(broken[0].0, "the interface", "{model}");
    }
    let done = place.run(&["model", "test", "./missing.wasm"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("missing.wasm"), "{}", done.stderr);
}
