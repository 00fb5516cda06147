//! `promtool`, which checks and tests alerts. Its package would also start a server, so that
//! it is unpacked instead, which needs no root.

use anyhow::{Context as _, bail};
use fs_err as fs;

use super::update_package_lists;
use crate::process;
use crate::workspace::{Workspace, remove};

const PACKAGE: &str = "prometheus";
const PROGRAM: &str = "promtool";

/// Unpacks it from its Debian package, unless there is one in the PATH.
pub fn ensure_promtool(workspace: &Workspace) -> anyhow::Result<()> {
    let place = workspace.tools().join(PROGRAM);
    if place.is_file() || process::find(PROGRAM).is_some() {
        return Ok(());
    }
    if process::find("apt-get").is_none() || process::find("dpkg-deb").is_none() {
        bail!("the tests need `{PROGRAM}`, which comes with Prometheus, in the PATH");
    }
    println!("unpacking {PROGRAM} in {}", workspace.tools().display());
    let unpacked = place.with_extension("unpacked");
    remove(&unpacked)?;
    fs::create_dir_all(&unpacked)?;
    update_package_lists(workspace);
    let mut download = workspace.command("apt-get");
    download.args(["download", "--quiet", PACKAGE]);
    process::run(download.current_dir(&unpacked))
        .with_context(|| format!("the tests need `{PROGRAM}` of the package {PACKAGE}"))?;
    for package in fs::read_dir(&unpacked)?.collect::<Result<Vec<_>, _>>()? {
        let mut unpack = workspace.command("dpkg-deb");
        unpack.arg("--extract").arg(package.path()).arg(&unpacked);
        process::run(&mut unpack)?;
    }
    fs::rename(unpacked.join("usr/bin").join(PROGRAM), &place)?;
    remove(&unpacked)
}
