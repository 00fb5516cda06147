//! The last release, built from its commit, to compare with.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::process;
use crate::workspace::Workspace;

/// Version 0.2.0.
const COMMIT: &str = "5be0df53790127b01f2c68f716e1534d1ba0e827";

/// Checks it out below the target directory and builds it there, with the model that its
/// tests script. What was built before is not built again.
pub fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let checkout = workspace.target().join("last-release");
    if !checkout.is_dir() {
        let mut add = workspace.command("git");
        add.args(["worktree", "add", "--force", "--detach"]);
        process::run(add.arg(&checkout).arg(COMMIT))
            .with_context(|| format!("the last release needs the commit {COMMIT} in this clone"))?;
    }
    let mut switch = workspace.command("git");
    switch.arg("-C").arg(&checkout);
    process::run(switch.args(["checkout", "--quiet", COMMIT]))?;
    for task in [&["build", "--release"][..], &["components"]] {
        let mut cargo = workspace.cargo(&["xtask"]);
        cargo.args(task).current_dir(&checkout);
        process::run(cargo.env("CARGO_TARGET_DIR", checkout.join("target")))?;
    }
    Ok(checkout)
}
