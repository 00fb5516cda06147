//! `docs/api.md` describes the API as `openapi.json` does.

use std::collections::{BTreeMap, BTreeSet};

use concept_refinement_conformance::Document;
use serde_json::{Map, Value};

use crate::docs::documents::{code_spans, rows};
use crate::read;

/// Statuses that any endpoint may answer. Its section may leave them out.
const COMMON: [&str; 6] = ["400", "401", "405", "421", "500", "503"];

/// Schemas whose fields the page has to explain one by one.
const EXPLAINED: [&str; 3] = ["RefinementRequest", "TaskResponse", "ErrorResponse"];

fn page() -> String {
    read("docs/api.md")
}

fn description() -> Document {
    Document::parse(&read("components/api/openapi.json"))
}

fn keys(object: &Value) -> BTreeSet<&str> {
    let keys = object.as_object().into_iter().flat_map(Map::keys);
    keys.map(String::as_str).collect()
}

/// The sections whose heading begins with code: the code of the heading, the text
/// below it.
fn sections<'a>(page: &'a str, level: &str) -> Vec<(Vec<String>, &'a str)> {
    let begin = format!("\n{level} `");
    let sections = page.split(begin.as_str()).skip(1);
    sections
        .map(|section| {
            let (heading, text) = section.split_once('\n').unwrap();
            // Up to the next heading of this level or above.
            let above = (2..=level.len()).map(|count| format!("\n{} ", "#".repeat(count)));
            let end = above.filter_map(|next| text.find(&next)).min();
            let names = code_spans(&format!("`{heading}"));
            (names, &text[..end.unwrap_or(text.len())])
        })
        .collect()
}

/// The statuses in the tables of a section.
fn statuses(section: &str) -> BTreeSet<&str> {
    let cells = section.lines().filter_map(|row| row.split('|').nth(1));
    let cells = cells.map(str::trim);
    cells.filter(|cell| cell.parse::<u16>().is_ok()).collect()
}

/// The examples in JSON, each with the name of the schema after ` ```json`.
fn examples(page: &str) -> Vec<(&str, Value)> {
    let blocks = page.split("\n```json").skip(1);
    blocks
        .map(|block| {
            let (schema, rest) = block.split_once('\n').unwrap();
            let (text, _) = rest.split_once("\n```").unwrap();
            let value = serde_json::from_str(text);
            let value = value.unwrap_or_else(|error| panic!("{schema}: {error}: {text}"));
            (schema.trim(), value)
        })
        .collect()
}

#[test]
fn every_endpoint_is_described_with_its_answers_and_no_other() {
    let (page, description) = (page(), description());
    let operations: BTreeMap<String, &Value> = description
        .operations()
        .map(|operation| {
            let method = operation.method.to_uppercase();
            (format!("{method} {}", operation.path), operation.object)
        })
        .collect();
    let mut described = BTreeSet::new();
    for (names, section) in sections(&page, "###") {
        let mut answers = BTreeSet::new();
        for name in &names {
            let operation = operations.get(name);
            let operation = operation.unwrap_or_else(|| panic!("there is no {name}"));
            answers.extend(keys(&operation["responses"]));
        }
        let told = statuses(section);
        let unknown: Vec<_> = told.difference(&answers).collect();
        assert!(unknown.is_empty(), "{names:?} never answer {unknown:?}");
        let untold = answers.difference(&told);
        let untold: Vec<_> = untold.filter(|it| !COMMON.contains(it)).collect();
        assert!(untold.is_empty(), "{names:?} also answer {untold:?}");
        described.extend(names);
    }
    assert_eq!(described, operations.into_keys().collect());

    let (table, _) = page.split_once("\n## ").unwrap();
    let listed: BTreeSet<String> = code_spans(table).into_iter().collect();
    let mut of_the_api = described.iter().filter(|name| name.contains(" /api/"));
    assert!(
        of_the_api.all(|name| listed.contains(name)),
        "the table at the top lists {listed:?}"
    );
}

#[test]
fn every_parameter_is_described() {
    let (page, description) = (page(), description());
    let spans = code_spans(&page).concat();
    for operation in description.operations() {
        let parameters = operation.object["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(spans.contains(name), "{}: {name}", operation.path);
        }
    }
}

/// A schema has a table of its fields or, where these need no words, an example.
#[test]
fn every_field_is_described_and_no_other() {
    let (page, description) = (page(), description());
    let schemas = &description.json()["components"]["schemas"];
    let mut told = BTreeSet::new();
    for (name, section) in sections(&page, "####") {
        let name = name.concat();
        let fields: BTreeSet<_> = rows(section)
            .flat_map(|cells| code_spans(cells[0]))
            .collect();
        let fields: BTreeSet<&str> = fields.iter().map(String::as_str).collect();
        assert_eq!(fields, keys(&schemas[&name]["properties"]), "{name}");
        told.insert(name);
    }
    for name in EXPLAINED {
        assert!(told.contains(name), "{name} has no table");
    }
    let examples = examples(&page);
    told.extend(examples.iter().map(|(name, _)| (*name).to_owned()));
    for (name, schema) in schemas.as_object().unwrap() {
        if schema["properties"].is_object() {
            // Of the one that the page needs, its example shows both fields.
            let is_told = told.contains(name) || name == "ServiceQuota";
            assert!(is_told, "{name} is not described");
        }
        let values = schema["enum"].as_array().into_iter().flatten();
        for value in values.map(|value| value.as_str().unwrap()) {
            assert!(page.contains(&format!("`{value}`")), "{name}: {value}");
        }
    }
}

/// An example fits its schema, and all examples of a schema have all of its fields: what is
/// answered needs one for that.
#[test]
fn the_examples_have_exactly_the_fields_of_their_schemas() {
    let (page, description) = (page(), description());
    let schemas = &description.json()["components"]["schemas"];
    let examples = examples(&page);
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, example) in &examples {
        if let Err(problem) = description.fits(name, example) {
            panic!("{name}: {problem}");
        }
        told.entry(name).or_default().extend(keys(example));
    }
    for (name, fields) in told {
        assert_eq!(fields, keys(&schemas[name]["properties"]), "{name}");
    }
}

#[test]
fn every_error_code_is_described_and_no_other() {
    let (page, description) = (page(), description());
    let (_, section) = page.split_once("\n#### Error codes\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let told: BTreeSet<String> = section
        .lines()
        .filter(|row| !statuses(row).is_empty())
        .filter_map(|row| code_spans(row).into_iter().next())
        .collect();
    let codes = &description.json()["components"]["schemas"]["ErrorCode"]["enum"];
    let codes = codes.as_array().unwrap().iter();
    let codes = codes.map(|code| code.as_str().unwrap().to_owned());
    assert_eq!(told, codes.collect());
}

#[test]
fn every_header_is_described_and_no_other() {
    let (page, description) = (page(), description());
    let (_, section) = page.split_once("\n### Headers\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let told: BTreeSet<String> = rows(section)
        .flat_map(|cells| code_spans(cells[0]))
        .collect();
    let mut all = BTreeSet::from(["Authorization".to_owned()]);
    let of_answers = keys(&description.json()["components"]["headers"]);
    all.extend(of_answers.into_iter().map(str::to_owned));
    for operation in description.operations() {
        let parameters = operation.object["parameters"].as_array();
        let parameters = parameters.into_iter().flatten();
        let headers = parameters.filter(|parameter| parameter["in"] == "header");
        all.extend(headers.map(|header| header["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(told, all);
}
