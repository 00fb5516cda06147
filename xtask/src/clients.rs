//! Builds the packages of the clients for npm and PyPI, from `clients/`.

use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::process;
use crate::tools;
use crate::workspace::{Workspace, remove};

/// The date of all files in the packages, in seconds since 1970: the earliest one
/// possible. With a fixed date, the builds are reproducible.
const EPOCH: &str = "315532800";

/// Builds a wheel and a source distribution in a directory.
const BUILD_PYTHON: &str = "import sys\n\
    from flit_core import buildapi\n\
    buildapi.build_wheel(sys.argv[1])\n\
    buildapi.build_sdist(sys.argv[1])";

/// Builds the packages into a directory, which is emptied first.
pub fn build(workspace: &Workspace, to: &Path) -> anyhow::Result<()> {
    let tools = tools::ensure_clients(workspace)?;
    remove(to)?;
    fs::create_dir_all(to)?;

    let typescript = stage(workspace, "typescript")?;
    let mut compile = workspace.command(tools.typescript);
    process::run(compile.current_dir(&typescript))?;
    let mut pack = workspace.command("npm");
    pack.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
        .arg(to);
    process::output(pack.current_dir(&typescript))?;

    let python = stage(workspace, "python")?;
    let mut build = workspace.command(tools.python);
    build.args(["-c", BUILD_PYTHON]).arg(to);
    process::run(build.env("SOURCE_DATE_EPOCH", EPOCH).current_dir(python))
}

/// Copies a client's sources to the directory where it is built.
fn stage(workspace: &Workspace, name: &str) -> anyhow::Result<PathBuf> {
    let stage = workspace.target().join("clients").join(name);
    remove(&stage)?;
    copy_all(&workspace.root().join("clients").join(name), &stage)?;
    Ok(stage)
}

/// Skips what was built or installed in place.
fn copy_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        match name.to_str() {
            Some("dist" | "node_modules" | "__pycache__" | ".gitignore") => {}
            _ if path.is_dir() => copy_all(&path, &to.join(name))?,
            _ => drop(fs::copy(&path, to.join(name))?),
        }
    }
    Ok(())
}
