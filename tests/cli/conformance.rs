//! `model test`: whether a model component keeps the interface's promises.

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::stand_in::ALL;
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

#[test]
fn the_models_of_providers_keep_them() {
    for stand_in in ALL {
        let label = stand_in.label();
        let provider = stand_in.start();
        stand_in.serve(&provider, &pictures::png(30, 20));
        let mut command = test(stand_in.model());
        command
            .args(["--model-timeout", "10s"])
            .envs(stand_in.variables(&provider.url()));
        let done = run(&mut command, b"");
        keeps_them(label, &done);
        let refined = "a good image is refined            ok: 4 of 4 were";
        assert!(done.text().contains(refined), "{label}: {}", done.text());
        assert!(!done.text().contains("hush"), "{label}");
    }
}

#[test]
fn a_model_that_breaks_one_is_told_on_the_right_line() {
    let scripted = artifacts::scripted_model();
    let refined = "a good image is refined";
    let described = "its description";
    let crashed = "the model crashed";
    let broken_off = "it answered an image, but the file is cut short";
    let no_image = "it answered an image, but the file is not an image";
    let empty = "it answered an image, but the file is empty";
    let misnamed = "it called \"xxx\" what is image/png";
    let elsewhere = "it answered an address that is no http or https URL";
    let too_long = "it said more than 1000 characters";
    let of_a_png = [
        ("trap now", crashed),
        ("trap midway", broken_off),
        ("eat memory", crashed),
        ("hang for ever", "the model did not answer within 1 seconds"),
        ("answer nonsense", no_image),
        ("answer truncated", broken_off),
        ("answer empty", empty),
        ("answer less", broken_off),
        ("say 3 bytes of a media type", misnamed),
        ("location: ftp://host/1.png", elsewhere),
        ("say 5000 bytes of a refusal", too_long),
        ("say 5000 bytes of an excuse", too_long),
        ("refuse:", "it said nothing"),
        ("refuse: it is hush-1234", "it told its key"),
    ];
    let of_others = [
        ("describe:", described, "it said nothing"),
        ("describe:my key is hush-1234", described, "it told its key"),
        ("refuse: no", refined, "it refused all of them"),
        ("unavailable", refined, "it refused all of them"),
    ];
    let of_a_png = of_a_png.map(|(script, problem)| (script, "a PNG", problem));
    for (script, line, problem) in of_a_png.into_iter().chain(of_others) {
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

/// Of a model alone and of a link. Tables of links that it does not have are for another chain.
#[test]
fn settings_under_the_name_of_a_model_apply() {
    let scripted = artifacts::scripted_model();
    let scripted = scripted.to_str().unwrap();
    let chain = format!("cache({scripted})");
    let of_all = "[models.model-scripted]\nname = 'echo it'\n[models.other]\nstyle = 'plain'\n";
    let telling =
        "[models.model-scripted]\nname = 'refuse: it is hush-1234'\napi_key = 'hush-1234'\n";
    let refined = ("a good image is refined", "ok: 4 of 4 were");
    let told = ("a PNG", "FAILED: it told its key");
    for (name, model, file, variable, (line, says)) in [
        ("a table", scripted, of_all, None, refined),
        ("a table of a link", chain.as_str(), of_all, None, refined),
        (
            "a variable of a link",
            chain.as_str(),
            "",
            Some("echo it"),
            refined,
        ),
        ("a key in a table", scripted, telling, None, told),
    ] {
        let place = Place::new();
        place.write("refinement.toml", file);
        let mut command = place.command(&["model", "test", model]);
        if let Some(value) = variable {
            command.env("REFINEMENT_MODELS_MODEL_SCRIPTED_NAME", value);
        }
        let text = run(&mut command, b"").text();
        let expected = format!("{line:34} {says}");
        let mut lines = text.lines();
        assert!(lines.any(|line| line == expected), "{name}: {text}");
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
    done.refused(2, "model: the component ./missing.wasm cannot be read: ");
}
