//! `promtool`, which checks and tests alerts. Its package would also start a server, so that
//! it is unpacked instead, which needs no root.

use anyhow::{Context as _, bail};
use fs_err as fs;

use super::update_package_lists;
use crate::process;
use crate::workspace::Workspace;

const PACKAGE: &str = "prometheus";
const PROGRAM: &str = "promtool";

/// Unpacks it from its Debian package, unless there is one in the PATH.
pub fn ensure_promtool(workspace: &Workspace) -> anyhow::Result<()> {
    let place = workspace.tools().join(PACKAGE);
    if place.is_dir() || process::find(PROGRAM).is_some() {
        return Ok(());
    }
    if process::find("apt-get").is_none() || process::find("dpkg-deb").is_none() {
        bail!("the tests need `{PROGRAM}`, which comes with Prometheus, in the PATH");
    }
    println!("unpacking {PACKAGE} in {}", place.display());
    let partial = place.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    update_package_lists(workspace);
    let mut download = workspace.command("apt-get");
    download.args(["download", "--quiet", PACKAGE]);
    process::run(download.current_dir(&partial))
        .with_context(|| format!("the tests need `{PROGRAM}` of the package {PACKAGE}"))?;
    for entry in fs::read_dir(&partial)? {
        let package = entry?.path();
        let mut unpack = workspace.command("dpkg-deb");
        process::run(unpack.arg("--extract").arg(&package).arg(&partial))?;
        fs::remove_file(&package)?;
    }
    Ok(fs::rename(&partial, &place)?)
}
