//! `cargo xtask release-check`: what needs release builds or minutes of load, before a
//! release. It is no part of the tests.

use crate::bench;
use crate::executable::{self, Profile};
use crate::outside;
use crate::package;
use crate::process;
use crate::reproducible;
use crate::soak;
use crate::workspace::Workspace;

/// Whether components depend on where they are built and the Debian package works; the
/// host installed and embedded; many kills and steady load; then whether requests and
/// tasks cost what they did.
pub fn run(workspace: &Workspace, length: &soak::Length) -> anyhow::Result<()> {
    reproducible::check(workspace)?;
    package(workspace)?;
    outside::check(workspace)?;
    soak::run(workspace, length)?;
    bench::run(workspace, &bench::Form::guarded())
}

/// The tests of the package, on that of a release.
fn package(workspace: &Workspace) -> anyhow::Result<()> {
    let executable = executable::compile(workspace, Profile::Release)?;
    let package = package::build(workspace, &executable, Profile::Release, workspace.target())?;
    let mut tests = workspace.native_cargo(&["test", "--workspace", "--release"]);
    tests
        .args(["--test", "deploying", "--", "package::"])
        .env("REFINEMENT_TEST_PACKAGE", package);
    process::run(&mut tests)
}
