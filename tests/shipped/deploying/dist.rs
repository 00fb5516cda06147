//! `cargo xtask dist`, run as it stands.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::scratch;
use serde_json::Value;

use crate::root;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Every file below a directory, by its path from there.
fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap();
                found.insert(name.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Made once, and removed after the run.
pub fn made() -> &'static Path {
    static DIST: LazyLock<PathBuf> = LazyLock::new(|| {
        let dist = scratch("dist").join("dist");
        let made = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["xtask", "dist", "--debug", "--unchecked-advisories"])
            .arg("--out")
            .arg(&dist)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        dist
    });
    &DIST
}

#[test]
fn all_that_is_given_away_is_there_and_says_what_it_is() {
    let dist = made();
    let all = files(dist);
    let wasm: Vec<_> = all.iter().filter(|name| name.ends_with(".wasm")).collect();
    for expected in [
        "components/api.wasm",
        "components/adapter-store-keyvalue.wasm",
        "composed/local/spin-api.wasm",
        "composed/local/spin-processor.wasm",
        "composed/local/standalone.wasm",
        "composed/openai/standalone.wasm",
        "spin.toml",
        "runtime-config.toml",
        "bom.cdx.json",
        "SHA256SUMS",
        "wit.wasm",
        "LICENSE-MIT",
        "licenses/third-party.txt",
        "licenses/rust-library.html",
        &format!("clients/concept-refinement-{VERSION}.tgz"),
        &format!("clients/concept_refinement-{VERSION}.tar.gz"),
        &format!("clients/concept_refinement-{VERSION}-py3-none-any.whl"),
    ] {
        assert!(all.contains(expected), "{expected} is not in {all:?}");
    }
    for name in wasm.iter().filter(|name| **name != "wit.wasm") {
        has_metadata(&dist.join(name));
    }
    checksums_hold(dist, &all);
    bom_is_about(dist, &wasm);
    licenses_are_of_all(dist);
    manifest_fits(dist);

    // What was tested is what is given away.
    for name in all
        .iter()
        .filter_map(|name| name.strip_prefix("components/"))
    {
        let given = std::fs::read(dist.join("components").join(name)).unwrap();
        let tested = std::fs::read(artifacts::components().join(name)).unwrap();
        assert!(given == tested, "{name}");
    }
}

/// The last sections of the file, which xtask's own tests read by other means.
fn has_metadata(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes[bytes.len() - 200..]).into_owned();
    for section in [&format!("version{VERSION}"), "licensesMIT OR Apache-2.0"] {
        assert!(text.contains(section), "{path:?}: {text}");
    }
}

fn checksums_hold(dist: &Path, all: &BTreeSet<String>) {
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(dist)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    let checked = String::from_utf8(check.stdout).unwrap();
    assert_eq!(checked.lines().count(), all.len() - 1, "{checked}");
}

fn bom_is_about(dist: &Path, wasm: &[&String]) {
    let bom = std::fs::read(dist.join("bom.cdx.json")).unwrap();
    let bom: Value = serde_json::from_slice(&bom).unwrap();
    let of = |value: &Value, field: &str| -> BTreeSet<String> {
        let values = value.as_array().unwrap().iter();
        let fields = values.map(|value| value[field].as_str().unwrap().to_owned());
        fields.collect()
    };
    let given = of(&bom["metadata"]["component"]["components"], "name");
    for name in wasm.iter().filter(|name| name.starts_with("components/")) {
        assert!(given.contains(*name), "{name} is not in {given:?}");
    }
    let crates = of(&bom["components"], "name");
    for expected in ["wasip3", "image", "wasmtime", "concept-refinement-domain"] {
        assert!(crates.contains(expected), "{expected}");
    }
    for not_linked in ["proptest", "serde_derive", "axum", "xtask"] {
        assert!(!crates.contains(not_linked), "{not_linked}");
    }
    // Each reference leads somewhere.
    let mut known = of(&bom["components"], "bom-ref");
    known.extend(of(&bom["metadata"]["component"]["components"], "bom-ref"));
    for entry in bom["dependencies"].as_array().unwrap() {
        assert!(known.contains(entry["ref"].as_str().unwrap()), "{entry}");
        for used in entry["dependsOn"].as_array().unwrap() {
            assert!(known.contains(used.as_str().unwrap()), "{entry}");
        }
    }
}

/// Each crate that was linked has a text, which is one of its licence.
fn licenses_are_of_all(dist: &Path) {
    let read = |name: &str| std::fs::read_to_string(dist.join(name)).unwrap();
    let texts = read("licenses/third-party.txt");
    let bom: Value = serde_json::from_str(&read("bom.cdx.json")).unwrap();
    for library in bom["components"].as_array().unwrap() {
        let (name, version) = (&library["name"], &library["version"]);
        let license = &library["licenses"][0]["expression"];
        let line = [name, version, license].map(|part| part.as_str().unwrap());
        let line = format!("\n{} {} ({})\n", line[0], line[1], line[2]);
        assert!(texts.contains(&line), "{line}");
    }
    for words in [
        "LLVM Exceptions to the Apache 2.0 License",
        "Permission is hereby granted, free of charge",
        "UNICODE LICENSE V3",
        "Redistributions in binary form must reproduce",
        "Permission to use, copy, modify, and/or distribute this software",
        "Community Data License Agreement",
        "This software is provided 'as-is'",
        "Rich Felker",
    ] {
        assert!(texts.contains(words), "{words}");
    }
    let library = read("licenses/rust-library.html");
    assert!(library.contains("The Rust Standard Library"));
}

/// A proxy that there is not is as good as no network.
#[test]
fn what_was_not_checked_is_not_released() {
    let place = tempfile::tempdir().unwrap();
    let dist = place.path().join("dist");
    let made = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["xtask", "dist", "--out"])
        .arg(&dist)
        .current_dir(root())
        .env("https_proxy", "http://127.0.0.1:1")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(!made.status.success(), "{said}");
    assert!(said.contains("--unchecked-advisories"), "{said}");
    assert!(!dist.exists());
}

fn manifest_fits(dist: &Path) {
    let manifest = std::fs::read_to_string(dist.join("spin.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for (name, component) in manifest["component"].as_table().unwrap() {
        let source = component["source"].as_str().unwrap();
        assert!(dist.join(source).is_file(), "{name}: {source}");
    }
}
