//! Whatever goes wrong with `refine`: one clear sentence, the right status, and
//! what was there is as it was.

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;

use crate::place::{Place, origin, run};

const USAGE: i32 = 2;
const FAILED: i32 = 1;

/// A component whose module begins with 2 GiB.
const LARGE: &[u8] = b"\0asm\x0d\0\x01\0\
    \x01\x0f\0asm\x01\0\0\0\x05\x05\x01\0\x80\x80\x02\
    \x02\x04\x01\0\0\0";

/// Those that are there.
fn words(words: &[&str]) -> Vec<String> {
    let there = words.iter().filter(|word| !word.is_empty());
    there.map(|word| (*word).to_owned()).collect()
}

#[test]
fn each_failure_is_told_in_a_sentence_and_changes_nothing() {
    let png = pictures::png(40, 30).bytes;
    let long = "x".repeat(2_001);
    let (slow, _gate) = origin().gated(&pictures::png(8, 8));
    let gone = origin().serve(Reply::status(404));
    let page = origin().serve(Reply::ok("image/png", b"<html>"));
    let allowed = format!("--allow-sources={}", origin().authority());
    let processor = artifacts::components().join("processor.wasm");
    let processor = processor.display().to_string();
    let cache = artifacts::components().join("model-cache.wasm");
    let cache = cache.display().to_string();
    let no_image = ": the file is not an image: it must be PNG, JPEG, WebP or GIF";
    let mut cases: Vec<(Vec<String>, i32, String)> = Vec::new();
    for (image, flag, says) in [
        ("text.png", "", no_image),
        (
            "/dev/zero",
            "--max-image-bytes=1MiB",
            ": the file is larger than 1 MiB",
        ),
        (
            "logo.png",
            "--max-image-pixels=1000",
            ": the image has more than 1000 pixels",
        ),
        (
            "gone.png",
            "",
            " cannot be read: No such file or directory (os error 2)",
        ),
        (".", "", " cannot be read: Is a directory (os error 21)"),
        (&gone, &allowed, ": the address answered 404"),
        (&page, &allowed, no_image),
    ] {
        cases.push((
            words(&[image, "echo it", flag]),
            FAILED,
            format!("{image}{says}"),
        ));
    }
    for (prompt, flag, says) in [
        ("refuse: not today", "", "not today"),
        (
            "hang for ever",
            "--model-timeout=200ms",
            "the model did not answer within 0.2 seconds",
        ),
        ("answer nonsense", "", ""),
    ] {
        cases.push((
            words(&["logo.png", prompt, flag]),
            FAILED,
            format!("logo.png: {says}"),
        ));
    }
    for (model, says) in [
        (
            "./text.png",
            "./text.png: the model component cannot be compiled",
        ),
        (
            &processor,
            &format!(
                "{processor}: the model component does not fit the interface image-model \
                 (0.1.0 or 0.2.0, with WASI 0.2 and 0.3.0): "
            ),
        ),
        (
            &cache,
            &format!("{cache}: the component is a middleware: the setting has to name models"),
        ),
        (
            "./core.wasm",
            "./core.wasm: the model component cannot be compiled: it is a core module",
        ),
        (
            "./large.wasm",
            "./large.wasm: the model component cannot be compiled: \
             it begins with more memory than it may have (model-memory)",
        ),
    ] {
        let model = format!("--model={model}");
        cases.push((
            words(&["logo.png", "echo it", &model]),
            FAILED,
            format!("model: {says}"),
        ));
    }
    let slow_task = words(&[&slow, "echo it", &allowed, "--task-timeout=300ms"]);
    cases.push((
        slow_task,
        FAILED,
        format!("{slow}: the task took longer than 0.3 seconds"),
    ));
    let all_wrong = ["http://localhost/a.png", &long, "--logo-description", &long];
    let all_wrong = [&all_wrong[..], &["--theme-description", &long]].concat();
    for (arguments, says) in [
        (
            &["logo.png", "  "][..],
            "PROMPT must be at least 1 character",
        ),
        (
            &all_wrong,
            "--logo-description must be at most 2000 characters; \
             http://localhost/a.png must point to a public address; \
             PROMPT must be at most 2000 characters; \
             --theme-description must be at most 2000 characters",
        ),
        (
            &["logo.png", "echo it", "--model-timeout=soon"],
            "--model-timeout: ",
        ),
        (
            &["logo.png", "echo it", "--config=gone.toml"],
            "gone.toml: ",
        ),
        (
            &["logo.png", "echo it", "--model=./gone.wasm"],
            "--model: the component ./gone.wasm cannot be read: ",
        ),
    ] {
        cases.push((words(arguments), USAGE, says.to_owned()));
    }
    let place = Place::new();
    place.write("logo.png", &png);
    place.write("text.png", "text");
    place.write("core.wasm", b"\0asm\x01\0\0\0");
    place.write("large.wasm", LARGE);
    place.write("out.png", "what was there");
    let files = place.files();
    for (arguments, code, sentence) in cases {
        let name = arguments.join(" ");
        let has_model = arguments.iter().any(|flag| flag.starts_with("--model="));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
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
    let expected = "--components: the component ./nowhere/api.wasm cannot be read";
    done.refused(USAGE, &format!("concept-refinement: {expected}"));
}

/// A URL has a password, as what is taken for one.
#[test]
fn a_url_in_place_of_a_directory_is_refused_and_not_told() {
    let place = Place::new();
    let url = "postgres://ada:hunter2@db.example.com/refine";
    let data = format!("--data-dir={url}");
    let move_from = ["move", "--from", url, "--to", "sqlite", "file"];
    for (arguments, sentence) in [
        (&["backup", url][..], "DIR must be a directory, not a URL"),
        (&["restore", url], "DIR must be a directory, not a URL"),
        (
            &["backup", &data, "copy"],
            "--data-dir: must be a directory, not a URL",
        ),
        (
            &move_from,
            "--from must be a data directory, not a URL: nothing is moved out of Postgres or a bucket",
        ),
    ] {
        let done = place.run(arguments);
        done.refused(USAGE, sentence);
        assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    }
    assert_eq!(place.files(), [""; 0]);
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
        (
            &["refine", "a.png", "echo it", "-o", "b", "--strength=abc"],
            "must be a number, as 0.5",
        ),
        (
            &["refine", "-", "-", "echo it", "-o", "b/"],
            "standard input can be one image only",
        ),
        (
            &["refine", "-", "echo it", "-o", "b", "--mask=-"],
            "standard input can be one image only",
        ),
        (&["refined"], "refined"),
        (&["completions", "dos"], "dos"),
        (&["vocabulary", "all"], "all"),
        (&["check", "--jason"], "--jason"),
    ] {
        place.run(arguments).refused(USAGE, named);
    }
    assert_eq!(place.files(), [""; 0]);
}
