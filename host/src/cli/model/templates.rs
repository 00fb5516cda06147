//! The templates for new models in each language, embedded in the executable.

use std::borrow::Cow;

/// The languages, as on the command line.
pub const LANGUAGES: [&str; 3] = ["rust", "python", "javascript"];

/// A file of a new model: its path and contents.
pub type File = (&'static str, Cow<'static, str>);

/// Placeholder for the name of the model.
const NAME: &str = "{{name}}";

/// Name of the JavaScript package within the template.
const PACKAGE: &str = "concept-refinement-model-template";

/// Path of the interfaces in the Rust template, within its workspace.
const WIT: &str = "\"../../../wit\"";

const MANIFEST: &str = include_str!("templates/Cargo.toml.template");
const COMPONENT: &str = include_str!("../../../../components/models/template/src/component.rs");
const PACKAGE_JSON: &str =
    include_str!("../../../../components/models/template-javascript/package.json");
const WORLDS: &str = include_str!("../../../../wit/worlds.wit");

/// The files of a new model. None: there is no template for this language.
pub fn files(language: &str, name: &str) -> Option<Vec<File>> {
    let named = |template: &str| Cow::Owned(template.replace(NAME, name));
    let as_it_is = Cow::Borrowed;
    let (own, world): (Vec<File>, _) = match language {
        "rust" => (
            vec![
                (".gitignore", as_it_is("/target/\n")),
                ("Cargo.toml", named(MANIFEST)),
                ("README.md", named(include_str!("templates/rust.md"))),
                ("src/component.rs", COMPONENT.replace(WIT, "\"wit\"").into()),
                (
                    "src/lib.rs",
                    as_it_is(include_str!(
                        "../../../../components/models/template/src/lib.rs"
                    )),
                ),
            ],
            "image-model-component",
        ),
        "python" => (
            vec![
                (
                    ".gitignore",
                    as_it_is("/model.wasm\n/venv/\n__pycache__/\n"),
                ),
                ("README.md", named(include_str!("templates/python.md"))),
                (
                    "model.py",
                    as_it_is(include_str!(
                        "../../../../components/models/template-python/model.py"
                    )),
                ),
                (
                    "requirements.txt",
                    as_it_is(include_str!(
                        "../../../../components/models/template-python/requirements.txt"
                    )),
                ),
            ],
            "image-model-component",
        ),
        "javascript" => (
            vec![
                (".gitignore", as_it_is("/model.wasm\n/node_modules/\n")),
                ("README.md", named(include_str!("templates/javascript.md"))),
                (
                    "model.js",
                    as_it_is(include_str!(
                        "../../../../components/models/template-javascript/model.js"
                    )),
                ),
                ("package.json", PACKAGE_JSON.replace(PACKAGE, name).into()),
            ],
            "plain-image-model",
        ),
        _ => return None,
    };
    Some(own.into_iter().chain(interfaces(world)).collect())
}

/// The interfaces that this world needs.
fn interfaces(world: &str) -> [File; 7] {
    [
        (
            "wit/image-model.wit",
            include_str!("../../../../wit/image-model.wit").into(),
        ),
        (
            "wit/model-types.wit",
            include_str!("../../../../wit/model-types.wit").into(),
        ),
        (
            "wit/receipts.wit",
            include_str!("../../../../wit/receipts.wit").into(),
        ),
        (
            "wit/settings.wit",
            include_str!("../../../../wit/settings.wit").into(),
        ),
        (
            "wit/types.wit",
            include_str!("../../../../wit/types.wit").into(),
        ),
        (
            "wit/usage.wit",
            include_str!("../../../../wit/usage.wit").into(),
        ),
        ("wit/world.wit", only(world).into()),
    ]
}

/// The package with only this world: the others need interfaces that models do not have.
fn only(world: &str) -> String {
    let mut blocks = WORLDS.split("\n\n");
    let package = blocks.next().unwrap_or_default();
    let begins = format!("world {world} {{");
    let world = blocks.find(|block| block.lines().any(|line| line == begins));
    let world = world.unwrap_or_default().trim_end();
    format!("{package}\n\n{world}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_a_template_of_its_own() {
        for language in LANGUAGES {
            let files = files(language, "mine").unwrap();
            let text = |name: &str| {
                let found = files.iter().find(|(path, _)| *path == name);
                found
                    .unwrap_or_else(|| panic!("{language}: {name}"))
                    .1
                    .clone()
            };
            for (path, text) in &files {
                for left in ["{{", "../", PACKAGE, "docs/", "icense"] {
                    let is_left = text.contains(left);
                    assert!(!is_left, "{language}: {path}: {left}");
                }
            }
            let world = text("wit/world.wit");
            assert!(world.starts_with("package concept:refinement@0.2.0;\n"));
            assert_eq!(world.matches("world ").count(), 1, "{world}");
            assert!(world.ends_with("    export image-model;\n}\n"), "{world}");
            assert!(text("README.md").starts_with("# mine\n"));
        }
        assert!(files("cobol", "mine").is_none());
    }

    #[test]
    fn the_template_of_rust_has_the_versions_of_the_workspace() {
        let workspace = include_str!("../../../../Cargo.toml");
        let line = MANIFEST
            .lines()
            .find(|line| line.starts_with("wit-bindgen"));
        let line = line.unwrap();
        assert!(workspace.lines().any(|other| other == line), "{line}");
    }
}
