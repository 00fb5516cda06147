//! `cargo xtask release-check`: checks before a release that need release builds or
//! minutes of load. It is not part of the tests.

use crate::bench;
use crate::executable::{self, Profile};
use crate::outside;
use crate::package;
use crate::process;
use crate::reproducible;
use crate::soak;
use crate::workspace::Workspace;

/// Checks that the components are reproducible and the Debian package works; installs and
/// embeds the host; runs many kills and steady load; finally compares the cost of
/// requests and tasks.
pub fn run(workspace: &Workspace, length: &soak::Length) -> anyhow::Result<()> {
    reproducible::check(workspace)?;
    package(workspace)?;
    outside::check(workspace)?;
    soak::run(workspace, length)?;
    bench::run(workspace, &bench::Form::guarded())
}

/// Runs the tests of the package on a release build.
fn package(workspace: &Workspace) -> anyhow::Result<()> {
    let executable = executable::compile(workspace, Profile::Release)?;
    let package = package::build(workspace, &executable, Profile::Release, workspace.target())?;
    let mut tests = workspace.native_cargo(&["test", "--workspace", "--release"]);
    tests
        .args(["--test", "deploying", "--", "package::"])
        .env("REFINEMENT_TEST_PACKAGE", package);
    process::run(&mut tests)
}
