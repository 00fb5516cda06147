//! A program for which no tests are compiled has none.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Of a program in `src` the file itself, since the others are those of a library.
fn sources(main: &Path) -> Vec<PathBuf> {
    let directory = main.parent().unwrap();
    if directory.ends_with("src") {
        return vec![main.to_owned()];
    }
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension() == Some("rs".as_ref()))
        .collect()
}

#[test]
fn a_program_that_is_not_tested_has_no_tests() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let targets = packages.flat_map(|package| package["targets"].as_array().unwrap());
    let untested: Vec<_> = targets
        .filter(|target| target["kind"][0] == "bin" && target["test"] == false)
        .map(|target| Path::new(target["src_path"].as_str().unwrap()))
        .collect();
    assert!(untested.len() > 2, "{untested:?}");
    for path in untested.into_iter().flat_map(sources) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("test]"), "{}", path.display());
    }
}
