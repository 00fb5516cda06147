//! Whatever goes wrong with `refine`: one clear sentence, the right status, and
//! what was there is as it was.

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;

use crate::place::{Place, origin, run};

const USAGE: i32 = 2;
const FAILED: i32 = 1;

#[test]
fn each_failure_is_told_in_a_sentence_and_changes_nothing() {
    let png = pictures::png(40, 30).bytes;
    let long = "x".repeat(2_001);
    let (slow, _gate) = origin().gated(&pictures::png(8, 8));
    let gone = origin().serve(Reply::status(404));
    let page = origin().serve(Reply::ok("image/png", b"<html>"));
    let allowed = format!("--allow-sources={}", origin().authority());
    let processor = artifacts::components().join("processor.wasm");
    let processor = format!("--model={}", processor.display());
    let cases: Vec<(&str, Vec<&str>, i32, String)> = vec![
        (
            "not an image",
            vec!["text.png", "echo it"],
            FAILED,
            "text.png: the file is not an image: it must be PNG, JPEG, WebP or GIF".into(),
        ),
        (
            "an empty file",
            vec!["empty.png", "echo it"],
            FAILED,
            "empty.png: the file is empty".into(),
        ),
        (
            "half of an image",
            vec!["half.png", "echo it"],
            FAILED,
            "half.png: the file is cut short: it ends before its format says".into(),
        ),
        (
            "a large file",
            vec!["logo.png", "echo it", "--max-image-bytes=64"],
            FAILED,
            "logo.png: the file is larger than 64 bytes".into(),
        ),
        (
            "an endless file",
            vec!["/dev/zero", "echo it", "--max-image-bytes=1MiB"],
            FAILED,
            "/dev/zero: the file is larger than 1 MiB".into(),
        ),
        (
            "many pixels",
            vec!["logo.png", "echo it", "--max-image-pixels=1000"],
            FAILED,
            "logo.png: the image has more than 1000 pixels".into(),
        ),
        (
            "no file",
            vec!["gone.png", "echo it"],
            FAILED,
            "gone.png cannot be read: No such file or directory (os error 2)".into(),
        ),
        (
            "a folder",
            vec![".", "echo it"],
            FAILED,
            ". cannot be read: Is a directory (os error 21)".into(),
        ),
        (
            "a page that is gone",
            vec![&gone, "echo it", &allowed],
            FAILED,
            format!("{gone}: the address answered 404"),
        ),
        (
            "a page",
            vec![&page, "echo it", &allowed],
            FAILED,
            format!("{page}: the file is not an image: it must be PNG, JPEG, WebP or GIF"),
        ),
        (
            "a model that refuses",
            vec!["logo.png", "refuse: not today"],
            FAILED,
            "logo.png: not today".into(),
        ),
        (
            "a model that hangs",
            vec!["logo.png", "hang for ever", "--model-timeout=200ms"],
            FAILED,
            "logo.png: the model did not answer within 0.2 seconds".into(),
        ),
        (
            "a task that takes too long",
            vec![&slow, "echo it", &allowed, "--task-timeout=300ms"],
            FAILED,
            format!("{slow}: the task took longer than 0.3 seconds"),
        ),
        (
            "an answer that is no image",
            vec!["logo.png", "answer nonsense"],
            FAILED,
            "logo.png: ".into(),
        ),
        (
            "a model that is not there",
            vec!["logo.png", "echo it", "--model=./gone.wasm"],
            FAILED,
            "model: the component ./gone.wasm cannot be read".into(),
        ),
        (
            "a model that is none",
            vec!["logo.png", "echo it", "--model=./text.png"],
            FAILED,
            "model: ./text.png: the model component cannot be compiled".into(),
        ),
        (
            "a link of a model that is none",
            vec!["logo.png", "echo it", "--model=fallback(local, ./text.png)"],
            FAILED,
            "model: ./text.png: the model component cannot be compiled".into(),
        ),
        (
            "a model of another kind",
            vec!["logo.png", "echo it", &processor],
            FAILED,
            format!(
                "model: {}: the model component does not fit the interface image-model",
                processor.trim_start_matches("--model=")
            ),
        ),
        (
            "an empty prompt",
            vec!["logo.png", "  "],
            USAGE,
            "PROMPT must be at least 1 character".into(),
        ),
        (
            "all that is wrong",
            vec![
                "http://localhost/a.png",
                &long,
                "--logo-description",
                &long,
                "--theme-description",
                &long,
            ],
            USAGE,
            "--logo-description must be at most 2000 characters; \
             http://localhost/a.png must point to a public address; \
             PROMPT must be at most 2000 characters; \
             --theme-description must be at most 2000 characters"
                .into(),
        ),
        (
            "another scheme",
            vec!["ftp://example.com/a.png", "echo it"],
            USAGE,
            "ftp://example.com/a.png must be an http or https URL".into(),
        ),
        (
            "an unusable setting",
            vec!["logo.png", "echo it", "--model-timeout=soon"],
            USAGE,
            "--model-timeout: ".into(),
        ),
        (
            "a file of settings that is not there",
            vec!["logo.png", "echo it", "--config=gone.toml"],
            USAGE,
            "gone.toml: ".into(),
        ),
    ];
    let place = Place::new();
    place.write("logo.png", &png);
    place.write("half.png", &png[..png.len() / 2]);
    place.write("empty.png", "");
    place.write("text.png", "text");
    place.write("out.png", "what was there");
    let files = place.files();
    for (name, arguments, code, sentence) in cases {
        let has_model = arguments.iter().any(|flag| flag.starts_with("--model="));
        let arguments = [&["refine"], &arguments[..], &["-o", "out.png"]].concat();
        let done = match has_model {
            true => place.run(&arguments),
            false => place.run_scripted(&arguments),
        };
        assert_eq!(done.code, code, "{name}: {}", done.stderr);
        let expected = format!("concept-refinement: {sentence}");
        assert!(
            done.stderr.starts_with(&expected),
            "{name}: {}",
            done.stderr
        );
        assert_eq!(done.stderr.lines().count(), 1, "{name}: {}", done.stderr);
        assert_eq!(done.text(), "", "{name}");
        assert_eq!(place.files(), files, "{name}");
        assert_eq!(place.read("out.png"), b"what was there", "{name}");
    }
}

#[test]
fn a_directory_without_components_is_told_with_its_setting() {
    let place = Place::new();
    let mut command = Command::new(artifacts::binary());
    command
        .args(["refine", "logo.png", "echo it", "--output=out.png"])
        .arg("--components=./nowhere")
        .current_dir(place.path());
    let done = run(&mut command, b"");
    assert_eq!(done.code, FAILED, "{}", done.stderr);
    let expected =
        "concept-refinement: components: the component ./nowhere/api.wasm cannot be read";
    assert!(done.stderr.starts_with(expected), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[test]
fn what_the_command_line_lacks_or_has_too_much_is_named() {
    let place = Place::new();
    for (arguments, named) in [
        (&["refine"][..], "IMAGE"),
        (&["refine", "logo.png", "echo it"], "--output"),
        (
            &["refine", "a.png", "echo it", "-o", "b", "--colour"],
            "--colour",
        ),
        (
            &["refine", "a.png", "echo it", "-o", "b", "--listen=x"],
            "--listen",
        ),
        (&["refined"], "refined"),
        (&["completions"], "SHELL"),
        (&["completions", "dos"], "dos"),
        (&["man", "women"], "women"),
        (&["vocabulary", "all"], "all"),
        (&["check", "--jason"], "--jason"),
    ] {
        let done = place.run(arguments);
        assert_eq!(done.code, USAGE, "{arguments:?}: {}", done.stderr);
        assert!(
            done.stderr.contains(named),
            "{arguments:?}: {}",
            done.stderr
        );
        assert_eq!(done.text(), "", "{arguments:?}");
    }
    assert_eq!(place.files(), [""; 0]);
}
