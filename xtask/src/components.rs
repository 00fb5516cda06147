//! The components: compiled for WASI and put where the host and the tests look
//! for them.
//!
//! What ships is compiled together and apart from what only tests use, so that
//! no test component can change the bytes of one that ships.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::process;
use crate::tools;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-wasip2";

/// One component.
pub struct Component {
    /// Its package.
    pub package: &'static str,
    /// What the host calls it: `name.wasm` is its file.
    pub name: &'static str,
}

pub const SHIPPED: [Component; 6] = [
    Component {
        package: "concept-refinement-api",
        name: "api",
    },
    Component {
        package: "concept-refinement-processor",
        name: "processor",
    },
    Component {
        package: "concept-refinement-model-local",
        name: "model-local",
    },
    Component {
        package: "concept-refinement-model-jigsawstack",
        name: "model-jigsawstack",
    },
    Component {
        package: "concept-refinement-model-openai",
        name: "model-openai",
    },
    Component {
        package: "concept-refinement-model-automatic1111",
        name: "model-automatic1111",
    },
];

pub const FOR_TESTS: [Component; 2] = [
    Component {
        package: "concept-refinement-model-scripted",
        name: "model-scripted",
    },
    Component {
        package: "concept-refinement-model-template",
        name: "model-template",
    },
];

/// Builds the components that ship.
pub fn build_shipped(workspace: &Workspace) -> anyhow::Result<()> {
    build(workspace, &SHIPPED, &workspace.components())
}

/// Builds the components that only tests use.
pub fn build_for_tests(workspace: &Workspace) -> anyhow::Result<()> {
    build(workspace, &FOR_TESTS, &workspace.test_components())
}

/// Cargo for the components, which always have the same target and profile: the
/// macros and build scripts that they need are then built once.
pub fn cargo(workspace: &Workspace, subcommand: &str) -> Command {
    workspace.cargo(&[subcommand, "--profile", "component", "--target", TARGET])
}

/// `--package PACKAGE` for each component.
pub fn selection(components: &[Component]) -> impl Iterator<Item = &'static str> {
    components
        .iter()
        .flat_map(|component| ["--package", component.package])
}

fn build(workspace: &Workspace, components: &[Component], to: &Path) -> anyhow::Result<()> {
    tools::ensure_target(workspace, TARGET)?;
    process::run(cargo(workspace, "build").args(selection(components)))?;

    let built = workspace.target().join(TARGET).join("component");
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for component in components {
        let from = built.join(format!("{}.wasm", component.package.replace('-', "_")));
        let to = to.join(format!("{}.wasm", component.name));
        copy_if_changed(&from, &to)
            .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    }
    Ok(())
}

/// Leaves a file that is the same as it is, since a newer one would have the
/// host compiled anew. Whoever reads the file meanwhile sees the old one or the
/// new one.
fn copy_if_changed(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let partial = to.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes)?;
    fs::rename(partial, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_selected_by_name() {
        let selection: Vec<_> = selection(&FOR_TESTS).collect();
        assert_eq!(
            selection,
            [
                "--package",
                "concept-refinement-model-scripted",
                "--package",
                "concept-refinement-model-template"
            ]
        );
    }

    #[test]
    fn only_a_changed_file_is_written() {
        let directory = std::env::temp_dir().join(format!("xtask-copy-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (from, to) = (directory.join("from.wasm"), directory.join("to.wasm"));
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let age = || fs::metadata(&to).unwrap().modified().unwrap();

        fs::write(&from, b"first").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"first");

        fs::File::options()
            .write(true)
            .open(&to)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(age(), long_ago, "the same bytes were written again");

        fs::write(&from, b"second").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"second");
        assert_ne!(age(), long_ago);

        let files = fs::read_dir(&directory).unwrap().count();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(files, 2, "something is left over");
    }
}
