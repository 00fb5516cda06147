//! `cargo xtask release-check`: checks before a release that need release builds or
//! minutes of load. It is not part of the tests.

use crate::bench;
use crate::executable::{self, Profile};
use crate::outside;
use crate::package;
use crate::process;
use crate::reproducible;
use crate::soak;
use crate::test::deny_warnings;
use crate::workspace::Workspace;

/// Checks the host without engines, that the components are reproducible and the Debian package
/// works; installs and embeds the host; runs many kills and steady load; finally compares the
/// cost of requests and tasks.
pub fn run(workspace: &Workspace, length: &soak::Length) -> anyhow::Result<()> {
    without_engines(workspace)?;
    reproducible::check(workspace)?;
    package(workspace)?;
    outside::check(workspace)?;
    soak::run(workspace, length)?;
    bench::run(workspace, &bench::Form::guarded())
}

/// The host as embedding programs may build it, without engines that need a server. Not part
/// of the tests, since all of its dependencies are checked again, with fewer features.
fn without_engines(workspace: &Workspace) -> anyhow::Result<()> {
    let mut cargo = workspace.native_cargo(&["clippy", "-p", "concept-refinement-host"]);
    cargo.args(["--lib", "--no-default-features"]);
    process::run(deny_warnings(&mut cargo))
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
