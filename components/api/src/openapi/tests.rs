//! The document is up to date, whole and true to itself.

use std::collections::BTreeSet;
use std::mem::discriminant;

use super::conformance::with_document;
use super::{document, operations, text};
use crate::assets;
use crate::request::Method;
use crate::router::{Route, route};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
const SWITCH: &str = "REFINEMENT_WRITE_OPENAPI";

const METHODS: [(Method, &str); 4] = [
    (Method::Get, "get"),
    (Method::Head, "head"),
    (Method::Post, "post"),
    (Method::Delete, "delete"),
];

#[test]
fn the_file_is_what_the_code_gives() {
    if std::env::var_os(SWITCH).is_some() {
        std::fs::write(FILE, text()).unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert!(
        file == document(),
        "components/api/openapi.json is not what the code gives; `cargo xtask openapi` writes it"
    );
}

#[test]
fn every_example_fits_its_schema() {
    let bad = with_document(|document| document.bad_examples());
    assert!(bad.is_empty(), "{bad:#?}");
}

/// A path of the document with something for each parameter.
fn filled(path: &str) -> String {
    let file = assets::all()
        .filter_map(|asset| asset.path.rsplit_once('/'))
        .find(|(folder, _)| path.strip_suffix("/{file}") == Some(folder))
        .map_or("", |(_, file)| file);
    path.replace("{file}", file)
        .replace("{task_id}", "1")
        .replace("{concept_id}", "1")
        .replace("{path}", "a/b.png")
}

#[test]
fn each_path_of_the_document_leads_to_its_route_and_to_no_other() {
    for kind in operations::routes() {
        for operation in operations::of(kind) {
            let path = filled(&operation.path);
            let (method, name) = METHODS
                .into_iter()
                .find(|(_, name)| *name == operation.method)
                .unwrap();
            let found = route(method, &path).unwrap();
            assert_eq!(discriminant(&found), discriminant(&kind), "{name} {path}");
        }
    }
}

#[test]
fn at_each_path_the_methods_are_those_of_the_router() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, name) in METHODS {
            let is_answered = route(method, &filled(path)).is_ok();
            let is_described = !item[name].is_null() || name == "head" && !item["get"].is_null();
            assert_eq!(is_answered, is_described, "{name} {path}");
        }
    }
}

#[test]
fn every_asset_is_described() {
    for asset in assets::all() {
        let described = operations::of(Route::Asset(asset))
            .into_iter()
            .any(|operation| match operation.path.strip_suffix("{file}") {
                None => operation.path == asset.path,
                Some(folder) => {
                    let files = &operation.object["parameters"][1]["schema"]["enum"];
                    let file = asset.path.strip_prefix(folder);
                    let files = files.as_array().unwrap();
                    file.is_some_and(|file| files.iter().any(|name| name == file))
                }
            });
        assert!(described, "{}", asset.path);
    }
}

#[test]
fn operations_have_names_of_their_own_and_words() {
    with_document(|document| {
        let mut ids = BTreeSet::new();
        let mut tags = BTreeSet::new();
        for operation in document.operations() {
            let id = operation.object["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            for part in ["summary", "description"] {
                assert_ne!(operation.object[part], "", "{id} has no {part}");
            }
            tags.insert(operation.object["tags"][0].as_str().unwrap().to_owned());
        }
        let known = document.json()["tags"].as_array().unwrap();
        let known: BTreeSet<String> = known
            .iter()
            .map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(tags, known);
    });
}

/// What nothing refers to is out of date.
#[test]
fn every_component_is_used() {
    let text = text();
    let document = document();
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("\"#/components/{kind}/{name}\"");
            assert!(text.contains(&reference), "{reference} is not used");
        }
    }
}
