//! Checks that the components are the same bytes wherever they are built.

use std::path::Path;

use anyhow::bail;
use fs_err as fs;

use crate::components::{self, ADAPTERS};
use crate::process;
use crate::workspace::{Workspace, remove};

/// Builds the components here, and again from a copy of the sources in another directory.
///
/// # Errors
///
/// One component differs.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let copy = Workspace::copied_to(workspace.target().join("elsewhere"));
    remove(copy.root())?;
    copy_sources(workspace, copy.root())?;
    for workspace in [workspace, &copy] {
        components::build_shipped(workspace)?;
        components::build_adapters(workspace)?;
    }
    for name in components::shipped().chain(ADAPTERS) {
        let built = |workspace: &Workspace| {
            let file = format!("{name}.wasm");
            fs::read(workspace.components().join(file))
        };
        if built(workspace)? != built(&copy)? {
            bail!("{name} depends on where it is built");
        }
    }
    println!("checked: components are the same bytes wherever they are built");
    remove(copy.root())
}

/// Copies the files that git tracks or would track.
fn copy_sources(workspace: &Workspace, to: &Path) -> anyhow::Result<()> {
    let mut list = workspace.command("git");
    list.args(["ls-files", "-z", "--cached", "--others"]);
    list.arg("--exclude-standard");
    for name in process::output(&mut list)?.split_terminator('\0') {
        let (from, to) = (workspace.root().join(name), to.join(name));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // Deleted files are still listed.
        if from.is_file() {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}
