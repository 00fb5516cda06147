//! What the documents link to, and the paths, names and commands in them, exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use concept_refinement_host::config::table::{self, SETTINGS, Setting};

use crate::{read, root};

/// The folders with sources, from the root.
const ROOMS: [&str; 6] = ["components", "deploy", "host", "tests", "wit", "xtask"];

/// Every document of the project: its path from the root and its text.
fn documents() -> Vec<(String, String)> {
    ["", "docs/"]
        .iter()
        .flat_map(|folder| {
            let entries = std::fs::read_dir(root().join(folder)).unwrap();
            entries.map(move |entry| format!("{folder}{}", entry.unwrap().file_name().display()))
        })
        .filter(|path| path.ends_with(".md"))
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

/// The text without its code blocks.
fn prose(text: &str) -> String {
    let parts = text.split("```").step_by(2);
    parts.collect()
}

/// What is set in code within the text.
pub fn code_spans(text: &str) -> Vec<String> {
    let spans = prose(text);
    let spans = spans.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for (document, text) in documents() {
        let folder = Path::new(&document).parent().unwrap();
        for link in prose(&text).split("](").skip(1) {
            let (target, _) = link.split_once(')').unwrap();
            if target.starts_with("http") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = match path {
                "" => document.clone(),
                path => folder.join(path).to_str().unwrap().to_owned(),
            };
            assert!(root().join(&path).exists(), "{document}: {target}");
            if !anchor.is_empty() {
                assert!(
                    anchors(&read(&path)).contains(anchor),
                    "{document}: {target}"
                );
            }
        }
    }
}

/// Every file with sources.
pub fn sources() -> Vec<PathBuf> {
    let mut found = vec![
        root().join("Cargo.toml"),
        root().join("spin.toml"),
        root().join("runtime-config.toml"),
    ];
    let mut folders: Vec<_> = ROOMS.iter().map(|room| root().join(room)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if let Some("rs" | "wit" | "toml" | "js" | "json" | "html" | "yaml") = extension
            {
                found.push(path);
            }
        }
    }
    found
}

/// Names metrics, which another test compares with those of the service.
const METRICS: &str = "docs/metrics.md";

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every word of the sources, and the settings' keys in the file.
fn words() -> BTreeSet<String> {
    let texts = sources()
        .into_iter()
        .map(|path| std::fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| {
            let words = text.split(|c| !is_name(c));
            words.map(str::to_owned).collect::<Vec<_>>()
        })
        .chain(SETTINGS.iter().map(Setting::file_key))
        .collect()
}

/// A name of the sources: `snake_case`, `CamelCase` or `A_CONSTANT`, perhaps a
/// path of several.
fn is_of_sources(span: &str) -> bool {
    let is_path = span
        .split("::")
        .all(|part| !part.is_empty() && part.chars().all(is_name));
    let has_lower = span.contains(char::is_lowercase);
    is_path && has_lower && (span.contains('_') || span.contains(char::is_uppercase))
}

/// A name in capitals is a placeholder.
fn has_placeholder(path: &str) -> bool {
    let mut parts = path.split(['/', '.']);
    parts.any(|part| part.len() > 1 && !part.contains(char::is_lowercase) && part != "README")
}

#[test]
fn paths_and_names_in_the_documents_exist() {
    let words = words();
    let mut checked = 0;
    for (document, text) in documents() {
        for span in code_spans(&text) {
            let is_path = ROOMS.iter().chain(&["docs", "components"]).any(|room| {
                span.strip_prefix(room)
                    .is_some_and(|rest| rest.starts_with('/'))
            });
            if is_path && !has_placeholder(&span) {
                // Of several at once: `host/src/{lib,main}.rs`.
                let paths = match (span.split_once('{'), span.split_once('}')) {
                    (Some((before, inner)), Some((_, after))) => {
                        let (inner, _) = inner.split_once('}').unwrap();
                        let each = inner
                            .split(',')
                            .map(|part| format!("{before}{part}{after}"));
                        each.collect()
                    }
                    _ => vec![span.clone()],
                };
                for path in paths {
                    assert!(root().join(&path).exists(), "{document}: {path}");
                    checked += 1;
                }
            } else if is_of_sources(&span) && document != METRICS {
                for name in span.split("::") {
                    assert!(words.contains(name), "{document}: {span}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 50, "only {checked} names were found");
}

/// The word after each occurrence of a flag or a command.
fn after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let found = text.split(before).skip(1);
    found
        .map(|rest| {
            let end = |c: char| !is_name(c) && c != '-';
            rest.split(end).next().unwrap()
        })
        .filter(|word| word.starts_with(char::is_lowercase))
        .collect()
}

#[test]
fn commands_in_the_documents_exist() {
    let xtask = read("xtask/src/main.rs");
    let suites = read("tests/Cargo.toml");
    let manifests: String = sources()
        .iter()
        .filter(|path| path.ends_with("Cargo.toml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for (document, text) in documents() {
        for task in after(&text, "cargo xtask ") {
            let words = task.split('-').map(|word| word.split_at(1));
            let words = words.map(|(first, rest)| first.to_uppercase() + rest);
            let name = format!("Task::{}", words.collect::<String>());
            assert!(xtask.contains(&name), "{document}: cargo xtask {task}");
        }
        for suite in after(&text, "--test ") {
            let name = format!("name = \"{suite}\"");
            assert!(suites.contains(&name), "{document}: --test {suite}");
        }
        let packages = after(&text, " -p ").into_iter();
        for package in packages.filter(|name| name.starts_with("concept-refinement")) {
            let name = format!("name = \"{package}\"");
            assert!(manifests.contains(&name), "{document}: -p {package}");
        }
    }
}

/// The cells of each row of a table whose first cell begins with code.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('|').skip(1).map(str::trim).collect())
}

#[test]
fn every_setting_is_documented_by_its_names_and_its_default() {
    let page = read("docs/settings.md");
    let documented: BTreeMap<Vec<String>, &str> = rows(&page)
        .filter(|cells| cells[0].starts_with("`--"))
        .map(|cells| (code_spans(cells[0]), cells[1]))
        .collect();
    let names = |setting: &Setting| {
        let flag = format!("--{}", setting.name);
        vec![flag, setting.variable(), setting.file_key()]
    };
    let all: BTreeSet<_> = SETTINGS.iter().map(names).collect();
    assert_eq!(documented.keys().cloned().collect::<BTreeSet<_>>(), all);
    for setting in SETTINGS {
        let default = setting.default.filter(|default| !default.is_empty());
        let told = documented[&names(setting)];
        assert!(!told.is_empty(), "{}", setting.name);
        if let Some(default) = default {
            assert_eq!(told, format!("`{default}`"), "{}", setting.name);
        }
    }
}

#[test]
fn the_readme_has_ten_of_the_settings() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("## Settings").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut listed = 0;
    for cells in rows(section) {
        let name = &code_spans(cells[0])[0];
        let setting = table::find(name).unwrap_or_else(|| panic!("{name}"));
        if let Some(default) = setting.default.filter(|default| !default.is_empty()) {
            assert_eq!(cells[1], format!("`{default}`"), "{name}");
        }
        listed += 1;
    }
    assert_eq!(listed, 10);
}
