//! Builds the test programs of the workspace, and the executables that they run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use serde::Deserialize;

use crate::process;
use crate::workspace::Workspace;

/// A program that runs tests.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// The suite, or the crate whose unit tests these are.
    pub name: String,
    pub path: PathBuf,
    /// The directory of its package, in which it expects to run.
    pub directory: PathBuf,
}

/// Builds all of them with one command, so that cargo can parallelise the builds.
pub fn build(workspace: &Workspace) -> anyhow::Result<Vec<Program>> {
    let mut cargo = executables(workspace);
    cargo.args(["--tests", "--message-format", "json-render-diagnostics"]);
    let output = process::output(&mut cargo)?;
    let programs = output.lines().map(parse);
    programs.filter_map(Result::transpose).collect()
}

/// Builds only the executables that the tests run.
pub fn build_executables(workspace: &Workspace) -> anyhow::Result<()> {
    process::run(&mut executables(workspace))
}

fn executables(workspace: &Workspace) -> Command {
    workspace.native_cargo(&["build", "--workspace", "--bins", "--examples"])
}

/// Cargo's message about one artifact, with only the fields that are needed.
#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// None: the line is about something else.
fn parse(line: &str) -> anyhow::Result<Option<Program>> {
    let message: Message = serde_json::from_str(line).context("cargo speaks no JSON")?;
    let Message {
        manifest_path: Some(manifest),
        target: Some(target),
        profile: Some(Profile { test: true }),
        executable: Some(path),
    } = message
    else {
        return Ok(None);
    };
    let directory = manifest.parent().context("a package without a directory")?;
    Ok(Some(Program {
        name: target.name,
        path,
        directory: directory.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_told_from_what_is_built_besides() {
        let program = Program {
            name: "e2e".into(),
            path: "/target/debug/deps/e2e-1".into(),
            directory: "/tests".into(),
        };
        for (name, line, expected) in [
            (
                "a test program",
                r#"{"reason":"compiler-artifact","manifest_path":"/tests/Cargo.toml","target":{"name":"e2e","kind":["test"]},"profile":{"test":true},"executable":"/target/debug/deps/e2e-1"}"#,
                Some(program),
            ),
            (
                "an executable",
                r#"{"manifest_path":"/host/Cargo.toml","target":{"name":"h"},"profile":{"test":false},"executable":"/target/debug/h"}"#,
                None,
            ),
            (
                "a library",
                r#"{"manifest_path":"/host/Cargo.toml","target":{"name":"h"},"profile":{"test":false},"executable":null}"#,
                None,
            ),
            (
                "a build script",
                r#"{"reason":"build-script-executed"}"#,
                None,
            ),
            (
                "the end",
                r#"{"reason":"build-finished","success":true}"#,
                None,
            ),
        ] {
            assert_eq!(parse(line).unwrap(), expected, "{name}");
        }
        assert!(parse("no JSON").is_err());
    }
}
