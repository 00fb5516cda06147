//! Checks dependencies: unused ones, licences, sources, features and, if the database can
//! be reached, security advisories.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;

use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Timeout for fetching the database, which is often unreachable.
const DATABASE_LIMIT: Duration = Duration::from_secs(120);

/// False: the advisories could not be checked.
pub fn check(workspace: &Workspace) -> anyhow::Result<bool> {
    check_features(workspace)?;
    let machete = tools::cargo_machete(workspace)?;
    process::run(workspace.command(machete).arg("--skip-target-dir"))?;

    let deny = tools::cargo_deny(workspace)?;
    let deny = |arguments: &[&str]| {
        let mut command = workspace.command(&deny);
        command.args(arguments);
        command
    };
    let errors_only = ["--log-level", "error", "--locked"];

    process::run(deny(&errors_only).args(["check", "bans", "licenses", "sources"]))?;
    println!("checked: bans, licenses, sources");

    let mut fetch = deny(&["fetch", "db"]);
    fetch.env("GIT_TERMINAL_PROMPT", "0");
    let is_fetched = process::succeeds_within(DATABASE_LIMIT, &mut fetch)?;
    if is_fetched {
        process::run(deny(&errors_only).args(["--offline", "check", "advisories"]))?;
        println!("checked: advisories");
    } else {
        println!("NOT checked: advisories (their database cannot be had here)");
    }
    Ok(is_fetched)
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
