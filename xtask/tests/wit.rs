//! The WIT package is one that every tool can read, and keeps the promises that
//! hold for all of it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wit_parser::{FunctionKind, Interface, Package, Resolve, SourceMap};

/// The package in a directory, which needs no other.
fn parse(directory: &Path) -> (Resolve, Package) {
    let mut sources = SourceMap::new();
    for path in files(directory) {
        sources.push_str(
            &path.display().to_string(),
            fs::read_to_string(&path).unwrap(),
        );
    }
    let group = sources
        .parse()
        .unwrap_or_else(|(_, error)| panic!("{error:#?}"));
    let mut resolve = Resolve::default();
    let id = resolve.push_group(group).unwrap();
    let package = resolve.packages[id].clone();
    (resolve, package)
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// The files of a package, without those of earlier versions below it.
fn files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn interfaces() -> Vec<Interface> {
    let (resolve, package) = parse(&directory());
    package
        .interfaces
        .values()
        .map(|id| resolve.interfaces[*id].clone())
        .collect()
}

fn name(interface: &Interface) -> &str {
    interface.name.as_deref().unwrap()
}

#[test]
fn the_package_is_valid() {
    let (_, package) = parse(&directory());
    assert_eq!(package.name.to_string(), "concept:refinement@0.2.0");
    let worlds: Vec<_> = package.worlds.keys().map(String::as_str).collect();
    let expected = "api processor-component masked image-model-component image-model-middleware \
                    plain-image-model notifier-component store-adapter queue-adapter \
                    direct-queue-adapter entry-adapter next-model-adapter chain-end-adapter \
                    settings-adapter";
    assert_eq!(worlds.join(" "), expected);
}

/// Models and middleware were built with these.
#[test]
fn the_interfaces_of_a_released_version_never_change() {
    let directory = directory().join("0.1.0");
    let mut hash = Sha256::new();
    for path in files(&directory) {
        hash.update(path.file_name().unwrap().as_encoded_bytes());
        hash.update(fs::read(path).unwrap());
    }
    let hash: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hash,
        "0db5fbb2c6a4935aceaa218b3870fc9de8e425f499620e9eb602a4b9c45a3e97"
    );
    let (_, package) = parse(&directory);
    assert_eq!(package.name.to_string(), "concept:refinement@0.1.0");
}

#[test]
fn each_interface_has_a_file_of_its_name() {
    for interface in interfaces() {
        let file = format!("{}.wit", name(&interface));
        let text = fs::read_to_string(directory().join(&file)).expect(&file);
        assert_eq!(text.matches("\ninterface ").count(), 1, "{file}");
    }
}

#[test]
fn worlds_interfaces_and_functions_are_documented() {
    let (resolve, package) = parse(&directory());
    for (name, id) in &package.worlds {
        assert!(!resolve.worlds[*id].docs.is_empty(), "world {name}");
    }
    for interface in interfaces() {
        let name = name(&interface);
        assert!(!interface.docs.is_empty(), "{name}");
        for function in interface.functions.values() {
            assert!(!function.docs.is_empty(), "{name}.{}", function.name);
        }
    }
}

/// A sync function would trap when its engine has to wait. What it spawned would
/// stand still until another call of its instance waits: a stream that it answered
/// with has no writer. Constructors can be nothing else, and answer with nothing.
#[test]
fn every_function_is_async() {
    let mut functions = 0;
    for interface in interfaces() {
        for function in interface.functions.values() {
            assert!(
                function.kind.is_async() || matches!(function.kind, FunctionKind::Constructor(_)),
                "{}.{}",
                name(&interface),
                function.name
            );
            functions += 1;
        }
    }
    assert!(functions > 0);
}
