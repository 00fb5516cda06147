//! Checks dependencies: security advisories, if their database can be reached; unused ones,
//! licences, sources and features.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Timeout for fetching the database, which is often unreachable.
const DATABASE_LIMIT: Duration = Duration::from_secs(120);

const ERRORS_ONLY: [&str; 3] = ["--log-level", "error", "--locked"];

/// False: the advisories could not be checked.
pub fn check_advisories(workspace: &Workspace) -> anyhow::Result<bool> {
    let mut fetch = deny(workspace, &["fetch", "db"])?;
    fetch.env("GIT_TERMINAL_PROMPT", "0");
    let is_fetched = process::succeeds_within(DATABASE_LIMIT, &mut fetch)?;
    if is_fetched {
        let arguments = [&ERRORS_ONLY[..], &["--offline", "check", "advisories"]].concat();
        process::run(&mut deny(workspace, &arguments)?)?;
        println!("checked: advisories");
    } else {
        println!("NOT checked: advisories (their database cannot be had here)");
    }
    Ok(is_fetched)
}

/// Everything else.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    check_features(workspace)?;
    let machete = tools::any_program(workspace, tools::CARGO_MACHETE)?;
    process::run(workspace.command(machete).arg("--skip-target-dir"))?;
    let arguments = [&ERRORS_ONLY[..], &["check", "bans", "licenses", "sources"]].concat();
    process::run(&mut deny(workspace, &arguments)?)?;
    println!("checked: bans, licenses, sources");
    Ok(())
}

fn deny(workspace: &Workspace, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = workspace.command(tools::any_program(workspace, tools::CARGO_DENY)?);
    command.args(arguments);
    Ok(command)
}

/// Fails if tests select other features of a dependency than the executable: what
/// `cargo xtask build` has built would then be built again for the tests.
fn check_features(workspace: &Workspace) -> anyhow::Result<()> {
    let tests = features(workspace, "normal,dev")?;
    let executable = features(workspace, "normal")?;
    let only: Vec<_> = executable.difference(&tests).collect();
    ensure!(
        only.is_empty(),
        "with tests, other features are selected than {only:?}: select the same ones in a \
         `[dependencies]` table of the workspace"
    );
    println!("checked: features");
    Ok(())
}

/// Each package with its version and features, where dependencies of these kinds count.
fn features(workspace: &Workspace, kinds: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut cargo = workspace.cargo(&["tree", "--workspace", "--no-dedupe", "--prefix", "none"]);
    cargo.args(["--format", "{p} {f}", "--edges", kinds]);
    let tree = process::output(&mut cargo)?;
    Ok(tree.lines().map(str::to_owned).collect())
}
