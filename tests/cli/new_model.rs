//! `model new`: a directory of one's own, that its README builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use concept_refinement_tests::artifacts;

use crate::place::Place;

fn new(place: &Place, name: &str, language: &str) -> PathBuf {
    let done = place.run(&["model", "new", name, "--language", language]);
    done.silent();
    assert_eq!(
        done.text(),
        format!("{name}/README.md says how to build and try it\n")
    );
    place.path().join(name)
}

/// The lines that build it, as its README has them.
fn build_lines(model: &Path) -> String {
    let readme = fs::read_to_string(model.join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Build").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// Without the lines that need a network.
fn build(model: &Path, without: &[&str]) {
    let lines = build_lines(model);
    let is_kept = |line: &&str| !without.iter().any(|begin| line.starts_with(begin));
    let kept: Vec<&str> = lines.lines().filter(is_kept).collect();
    assert_eq!(kept.len() + without.len(), lines.lines().count(), "{lines}");
    let built = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &kept.join("\n")])
        .current_dir(model)
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
}

/// Puts a line that prints before this one.
fn print_before(model: &Path, file: &str, begin: &str, print: &str) {
    let path = model.join(file);
    let source = fs::read_to_string(&path).unwrap();
    let line = source
        .lines()
        .find(|line| line.trim().starts_with(begin))
        .unwrap();
    let indent = line.len() - line.trim_start().len();
    let changed = source.replacen(line, &format!("{}{print}\n{line}", &line[..indent]), 1);
    fs::write(path, changed).unwrap();
}

/// It keeps the promises, and shows what it prints.
fn works(place: &Place, component: &str, printed: &[&str]) {
    let done = place.run(&["model", "test", component]);
    let text = done.text();
    assert_eq!(done.code, 0, "{text}");
    assert!(text.contains("a good image is refined            ok: 4 of 4 were"));
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("a PNG "));
    let after = &lines[at.unwrap() + 1..][..printed.len()];
    let expected: Vec<_> = printed.iter().map(|line| format!("  | {line}")).collect();
    assert_eq!(after, expected, "{text}");
}

#[test]
fn a_model_in_rust_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "my-model", "rust");
    let print = "println!(\"out {strength}\"); eprintln!(\"\\u{1b}error\");";
    print_before(&model, "src/lib.rs", "if prompt.contains", print);
    build(&model, &["rustup"]);
    let component = "my-model/target/wasm32-wasip2/release/model.wasm";
    works(&place, component, &["out 0.7", "\u{fffd}error"]);
}

#[test]
fn a_model_in_python_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "my_model", "python");
    print_before(
        &model,
        "model.py",
        "if \"impossible\"",
        "print(f'{strength:.1f}')",
    );
    std::os::unix::fs::symlink(artifacts::componentize_py(), model.join("venv")).unwrap();
    build(&model, &["python3 -m venv", "venv/bin/pip"]);
    works(&place, "my_model/model.wasm", &["0.7"]);
}

#[test]
fn a_model_in_javascript_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "model2", "javascript");
    let tool = artifacts::componentize_qjs();
    std::os::unix::fs::symlink(tool, model.join("node_modules")).unwrap();
    build(&model, &["npm install"]);
    works(&place, "model2/model.wasm", &[]);
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    fs::create_dir(place.path().join("empty")).unwrap();
    new(&place, "empty", "javascript");
    place.write("full/file", "of somebody");
    place.write("file", "of somebody");
    let before = place.files();
    for name in ["full", "file", "empty"] {
        let done = place.run(&["model", "new", name, "--language", "rust"]);
        assert_eq!(done.code, 2, "{name}");
        let expected =
            format!("concept-refinement: {name} is there already, and is not an empty directory\n");
        assert_eq!(done.stderr, expected);
    }
    assert_eq!(place.files(), before);
}

#[test]
fn bad_names_and_languages_are_refused() {
    let place = Place::new();
    let long = "x".repeat(65);
    for name in [
        "",
        ".",
        "..",
        "../mine",
        "/tmp/mine",
        "My",
        "1st",
        "a b",
        "ü",
        "a.b",
        &long,
    ] {
        let done = place.run(&["model", "new", name, "--language", "rust"]);
        assert_eq!(done.code, 2, "{name}");
        assert!(
            done.stderr.contains("is no name for a model"),
            "{name}: {}",
            done.stderr
        );
    }
    for arguments in [
        &["model", "new", "mine"][..],
        &["model", "new", "mine", "--language", "cobol"],
        &["model", "new", "--language", "rust"],
    ] {
        assert_eq!(place.run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(place.files(), Vec::<String>::new());
}
