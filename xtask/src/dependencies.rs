//! Checks dependencies: unused ones, licences, sources and, if the database can be
//! reached, security advisories.

use std::time::Duration;

use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Timeout for fetching the database, which is often unreachable.
const DATABASE_LIMIT: Duration = Duration::from_secs(120);

/// False: the advisories could not be checked.
pub fn check(workspace: &Workspace) -> anyhow::Result<bool> {
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
