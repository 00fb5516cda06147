//! `docs/platforms.md` says what is so.

use std::collections::BTreeSet;

use crate::deploying::manifest::without_effect;
use crate::read;

#[test]
fn the_settings_without_effect_are_listed() {
    let page = read("docs/platforms.md");
    let (_, after) = page.split_once("<!-- settings without effect -->").unwrap();
    let (list, _) = after.split_once("<!-- the end of them -->").unwrap();
    let listed: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, without_effect());
}

/// The commands of the documents that name something of the project's.
#[test]
fn what_the_documents_name_is_there() {
    let documents = [read("README.md"), read("docs/platforms.md")].concat();
    let manifest: toml::Table = read("spin.toml").parse().unwrap();
    let variables = manifest["variables"].as_table().unwrap();
    let mut named = 0;
    for word in documents.split(|c: char| c.is_whitespace() || "`()'\"".contains(c)) {
        if let Some(variable) = word.strip_prefix("SPIN_VARIABLE_") {
            let name = variable.split('=').next().unwrap().to_lowercase();
            assert!(name == "name" || variables.contains_key(&name), "{word}");
            named += 1;
        }
        if let Some(file) = word.strip_prefix("target/composed/") {
            let composed = [
                "spin-api.wasm",
                "spin-processor.wasm",
                "standalone.wasm",
                "",
            ];
            assert!(composed.contains(&file), "{word}");
            named += 1;
        }
    }
    for after in documents.split("--variable ").skip(1) {
        let name = after.split('=').next().unwrap();
        assert!(name == "NAME" || variables.contains_key(name), "{name}");
        named += 1;
    }
    assert!(named > 4, "the documents name {named} of these");
}
