//! The templates for new models in each language, embedded in the executable.

use std::borrow::Cow;

/// The kinds, as on the command line.
pub const KINDS: [&str; 3] = ["image", "provider", "middleware"];

/// The languages, as on the command line.
pub const LANGUAGES: [&str; 3] = ["rust", "python", "javascript"];

/// A file of a new model: its path and contents.
pub type File = (&'static str, Cow<'static, str>);

/// Placeholder for the name of the model.
const NAME: &str = "{{name}}";

/// Placeholder for the dependencies of a kind.
const DEPENDENCIES: &str = "{{dependencies}}";

/// Name of the JavaScript package within the template.
const PACKAGE: &str = "concept-refinement-model-template";

/// Path of the interfaces in the Rust templates, within their workspace.
const WIT: &str = "\"../../../wit\"";

const MANIFEST: &str = include_str!("templates/Cargo.toml.template");
const WORLDS: &str = include_str!("../../../../wit/worlds.wit");

/// A file below the templates of models.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../../components/models/", $path))
    };
}

/// An interface, with its path in a new model.
macro_rules! interface {
    ($name:literal) => {
        (
            concat!("wit/", $name, ".wit"),
            Cow::Borrowed(include_str!(concat!("../../../../wit/", $name, ".wit"))),
        )
    };
}

/// The files of a new model. None: there is no such template.
pub fn files(kind: &str, language: &str, name: &str) -> Option<Vec<File>> {
    let (own, world) = match (kind, language) {
        ("image", "rust") => (image(), "image-model-component"),
        ("provider", "rust") => (provider(), "image-model-component"),
        ("middleware", "rust") => (middleware(), "image-model-middleware"),
        ("image", "python") => (python(), "image-model-component"),
        ("image", "javascript") => (javascript(), "plain-image-model"),
        _ => return None,
    };
    let named = |(path, text): File| {
        let text = text.replace(NAME, name).replace(PACKAGE, name);
        (path, Cow::Owned(text))
    };
    let own = own.into_iter().map(named);
    Some(own.chain(interfaces(kind, world)).collect())
}

fn image() -> Vec<File> {
    rust(
        include_str!("templates/rust-image.md"),
        include_str!("templates/image.toml"),
        template!("template/src/lib.rs"),
        template!("template/src/component.rs"),
    )
}

fn provider() -> Vec<File> {
    let mut files = rust(
        include_str!("templates/rust-provider.md"),
        include_str!("templates/provider.toml"),
        template!("template-provider/src/lib.rs"),
        template!("template-provider/src/component.rs"),
    );
    files.extend([
        (
            "examples/stand_in.rs",
            template!("template-provider/examples/stand_in.rs").into(),
        ),
        (
            "src/tests.rs",
            template!("template-provider/src/tests.rs").into(),
        ),
    ]);
    files
}

fn middleware() -> Vec<File> {
    rust(
        include_str!("templates/rust-middleware.md"),
        include_str!("templates/middleware.toml"),
        template!("template-middleware/src/lib.rs"),
        template!("template-middleware/src/component.rs"),
    )
}

fn rust(
    readme: &'static str,
    dependencies: &str,
    library: &'static str,
    component: &str,
) -> Vec<File> {
    vec![
        (".gitignore", "/target/\n".into()),
        (
            "Cargo.toml",
            MANIFEST.replace(DEPENDENCIES, dependencies).into(),
        ),
        ("README.md", readme.into()),
        ("src/component.rs", component.replace(WIT, "\"wit\"").into()),
        ("src/lib.rs", library.into()),
    ]
}

fn python() -> Vec<File> {
    vec![
        (".gitignore", "/model.wasm\n/venv/\n__pycache__/\n".into()),
        ("README.md", include_str!("templates/python.md").into()),
        ("model.py", template!("template-python/model.py").into()),
        (
            "requirements.txt",
            template!("template-python/requirements.txt").into(),
        ),
    ]
}

fn javascript() -> Vec<File> {
    vec![
        (".gitignore", "/model.wasm\n/node_modules/\n".into()),
        ("README.md", include_str!("templates/javascript.md").into()),
        ("model.js", template!("template-javascript/model.js").into()),
        (
            "package.json",
            template!("template-javascript/package.json").into(),
        ),
        ("text.js", template!("template-javascript/text.js").into()),
    ]
}

/// The interfaces that this world needs.
fn interfaces(kind: &str, world: &str) -> Vec<File> {
    let mut interfaces = vec![
        interface!("image-model"),
        interface!("model-types"),
        interface!("receipts"),
        interface!("settings"),
        interface!("types"),
        interface!("usage"),
        ("wit/world.wit", only(world).into()),
    ];
    if kind == "middleware" {
        interfaces.extend([
            interface!("blobs"),
            interface!("model-state"),
            interface!("next-models"),
        ]);
    }
    interfaces
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

    const TEMPLATES: [(&str, &str); 5] = [
        ("image", "rust"),
        ("provider", "rust"),
        ("middleware", "rust"),
        ("image", "python"),
        ("image", "javascript"),
    ];

    #[test]
    fn each_template_stands_alone() {
        for (kind, language) in TEMPLATES {
            let name = format!("{kind} in {language}");
            let files = files(kind, language, "mine").unwrap();
            let text = |path: &str| {
                let found = files.iter().find(|(other, _)| *other == path);
                found.unwrap_or_else(|| panic!("{name}: {path}")).1.clone()
            };
            for (path, text) in &files {
                for left in ["{{name", "{{dep", "../", PACKAGE, "docs/", "icense"] {
                    assert!(!text.contains(left), "{name}: {path}: {left}");
                }
            }
            let world = text("wit/world.wit");
            assert!(world.starts_with("package concept:refinement@0.2.0;\n"));
            assert_eq!(world.matches("world ").count(), 1, "{world}");
            assert!(world.ends_with("    export image-model;\n}\n"), "{world}");
            assert!(text("README.md").starts_with("# mine\n"));
        }
        assert!(files("image", "cobol", "mine").is_none());
        assert!(files("provider", "javascript", "mine").is_none());
    }

    #[test]
    fn the_templates_of_rust_have_the_versions_of_the_workspace() {
        let workspace = include_str!("../../../../Cargo.toml");
        for dependencies in [
            include_str!("templates/image.toml"),
            include_str!("templates/provider.toml"),
            include_str!("templates/middleware.toml"),
        ] {
            let lines = dependencies.lines().filter(|line| line.contains("\""));
            for line in lines.filter(|line| !line.starts_with('[')) {
                let is_there = workspace.lines().any(|other| other == line);
                assert!(is_there, "{line}");
            }
        }
    }
}
