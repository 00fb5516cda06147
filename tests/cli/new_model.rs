//! `model new`: a directory of one's own, that its README builds.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::reaper::scratch;
use image::{Rgba, RgbaImage};

use crate::place::Place;

/// Of all models, so that what they depend on is compiled once.
static BUILD_DIR: LazyLock<PathBuf> = LazyLock::new(|| scratch("models"));

fn new(place: &Place, name: &str, kind: &str, language: &str) -> PathBuf {
    let flags = ["--kind", kind, "--language", language];
    let done = place.run(&[&["model", "new", name][..], &flags].concat());
    done.silent();
    assert_eq!(
        done.text(),
        format!("{name}/README.md explains how to build and try it\n")
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
        .env("CARGO_BUILD_BUILD_DIR", &*BUILD_DIR)
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

/// It keeps the promises, refines this many of the formats, and shows what it prints.
fn works(place: &Place, component: &str, formats: usize, printed: &[&str]) {
    let done = place.run(&["model", "test", component]);
    let text = done.text();
    assert_eq!(done.code, 0, "{text}");
    let refined = format!("a good image is refined            ok: {formats} of 4 were");
    assert!(text.contains(&refined), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("a PNG "));
    let after = &lines[at.unwrap() + 1..][..printed.len()];
    let expected: Vec<_> = printed.iter().map(|line| format!("  | {line}")).collect();
    assert_eq!(after, expected, "{text}");
}

/// It makes a change that one sees, in the size of the original. Returns what `refine` says.
fn changes(place: &Place, component: &str) -> String {
    let before = RgbaImage::from_fn(64, 48, |x, y| Rgba([4 * x as u8, 5 * y as u8, 90, 255]));
    before.save(place.path().join("logo.png")).unwrap();
    let model = format!("--model={component}");
    let done = place.run(&["refine", "logo.png", "older", "-o", "out.png", &model]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let after = image::load_from_memory(&place.read("out.png")).unwrap();
    let after = after.into_rgba8();
    assert_eq!(before.dimensions(), after.dimensions());
    let changed = before.pixels().zip(after.pixels());
    let changed = changed.filter(|(before, after)| before != after).count();
    assert!(changed > 64 * 48 / 2, "{changed} pixels changed");
    done.stderr
}

#[test]
fn a_model_in_rust_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "my-model", "image", "rust");
    let print = "println!(\"out {strength}\"); eprintln!(\"\\u{1b}error\");";
    print_before(&model, "src/lib.rs", "if prompt.contains", print);
    build(&model, &["rustup"]);
    let component = "my-model/target/wasm32-wasip2/release/model.wasm";
    works(&place, component, 4, &["out 0.7", "\u{fffd}error"]);
    let said = changes(&place, component);
    assert!(said.contains("model | out 0.7\n"), "{said}");
}

#[test]
fn a_models_crash_is_told_with_its_reason() {
    let place = Place::new();
    place.write("logo.png", &pictures::png(64, 48).bytes);
    for (prompt, expected) in [
        ("trap now", "wasm `unreachable` instruction executed"),
        (
            "eat memory",
            "; it asked for more than 64 MiB (model-memory)",
        ),
    ] {
        let memory = "--model-memory=64MiB";
        let done = place.run_scripted(&["refine", "logo.png", prompt, "-o", "out.png", memory]);
        assert_eq!(done.code, 1, "{prompt}: {}", done.stderr);
        let crash = done.stderr.lines().find(|line| line.contains(" crashed: "));
        let crash = crash.unwrap_or_else(|| panic!("{prompt}: {}", done.stderr));
        assert!(crash.contains(expected), "{prompt}: {crash}");
    }
}

#[test]
fn a_model_with_a_provider_works_with_its_stand_in() {
    let place = Place::new();
    let model = new(&place, "remote", "provider", "rust");
    // The port of the template may be in use here.
    let address = free_address().to_string();
    let path = model.join("examples/stand_in.rs");
    let program = fs::read_to_string(&path).unwrap();
    fs::write(path, program.replace("127.0.0.1:9000", &address)).unwrap();
    build(&model, &["rustup"]);
    cargo(&model, &["test"]);
    cargo(&model, &["build", "--example", "stand_in"]);
    let mut provider = Command::new(model.join("target/debug/examples/stand_in"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let output = provider.stdout.take().unwrap();
    let mut output = BufReader::new(output);
    output.read_line(&mut ready).unwrap();
    assert!(!ready.is_empty(), "the stand-in does not serve");
    // It ends if it cannot print.
    let rest = std::thread::spawn(move || output.lines().map_while(Result::ok).count());

    let component = "remote/target/wasm32-wasip2/release/model.wasm";
    let url = format!("--model-url=http://{address}");
    let tested = place.run(&["model", "test", component, &url]);
    assert_eq!(tested.code, 0, "{}", tested.text());
    let text = tested.text();
    assert!(
        text.contains("an end after a receipt             ok: by its receipt"),
        "{text}"
    );

    let original = pictures::png(64, 48);
    place.write("logo.png", &original.bytes);
    let model = format!("--model={component}");
    let done = place.run(&["refine", "logo.png", "any", "-o", "out.png", &model, &url]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let mut expected = image::load_from_memory(&original.bytes).unwrap();
    expected.invert();
    let refined = image::load_from_memory(&place.read("out.png")).unwrap();
    assert_eq!(refined.into_rgba8(), expected.into_rgba8());
    provider.kill().unwrap();
    provider.wait().unwrap();
    rest.join().unwrap();
}

#[test]
fn a_middleware_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "polite", "middleware", "rust");
    build(&model, &["rustup"]);
    cargo(&model, &["test"]);
    let chain = "--model=./polite/target/wasm32-wasip2/release/model.wasm(local)";
    place.write("logo.png", &pictures::png(64, 48).bytes);
    let done = place.run(&["refine", "logo.png", "darker", "-o", "out.png", chain]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = place.run(&["refine", "logo.png", "more blood", "-o", "out.png", chain]);
    assert_eq!(done.code, 1);
    let expected = "concept-refinement: logo.png: this service makes no violent pictures\n";
    assert_eq!(done.stderr, expected);
}

/// Without a network.
fn cargo(model: &Path, arguments: &[&str]) {
    let done = Command::new("cargo")
        .args(arguments)
        .current_dir(model)
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_BUILD_BUILD_DIR", &*BUILD_DIR)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_model_in_python_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "my_model", "image", "python");
    print_before(
        &model,
        "model.py",
        "if \"impossible\"",
        "print(f'{strength:.1f}')",
    );
    std::os::unix::fs::symlink(artifacts::componentize_py(), model.join("venv")).unwrap();
    build(&model, &["python3 -m venv", "pip install"]);
    works(&place, "my_model/model.wasm", 1, &["0.7"]);
    changes(&place, "my_model/model.wasm");
}

#[test]
fn a_model_in_javascript_is_built_as_its_readme_says() {
    let place = Place::new();
    let model = new(&place, "model2", "image", "javascript");
    let tool = artifacts::componentize_qjs();
    // A link would lead out of the directory whose modules it can import.
    let mut copy = Command::new("cp");
    copy.arg("-R").arg(tool).arg(model.join("node_modules"));
    assert!(copy.status().unwrap().success());
    build(&model, &["npm install"]);
    works(&place, "model2/model.wasm", 1, &[]);
    changes(&place, "model2/model.wasm");
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    fs::create_dir(place.path().join("empty")).unwrap();
    new(&place, "empty", "image", "javascript");
    place.write("full/file", "of somebody");
    place.write("file", "of somebody");
    let before = place.files();
    for name in ["full", "file", "empty"] {
        let done = place.run(&["model", "new", name, "--language", "rust"]);
        assert_eq!(done.code, 2, "{name}");
        let expected =
            format!("concept-refinement: {name} already exists, and is not an empty directory\n");
        assert_eq!(done.stderr, expected);
    }
    assert_eq!(place.files(), before);
}

#[test]
fn bad_names_and_languages_are_refused() {
    let place = Place::new();
    let long = "x".repeat(65);
    for name in [
        "", ".", "..", "../mine", "/tmp/m", "My", "1st", "a b", "ü", "a.b", &long,
    ] {
        let done = place.run(&["model", "new", name, "--language", "rust"]);
        done.refused(2, "is not a valid model name");
    }
    for arguments in [
        "mine",
        "mine --language cobol",
        "--language rust",
        "mine --language rust --kind other",
        "mine --language python --kind provider",
    ] {
        let words: Vec<_> = arguments.split(' ').collect();
        let done = place.run(&[&["model", "new"], &words[..]].concat());
        assert_eq!(done.code, 2, "{arguments}");
    }
    assert_eq!(place.files(), Vec::<String>::new());
}
