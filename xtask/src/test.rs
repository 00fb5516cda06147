//! `cargo xtask test`: runs all checks and tests.
//!
//! Steps run in order, cheap ones first, until the first failure. A step says
//! what it could not check.

mod steps;
mod suite;
mod tally;

use std::ffi::OsString;
use std::process::Command;

use crate::clients;
use crate::components::{self, ADAPTERS, FOR_TESTS, SHIPPED};
use crate::dependencies;
use crate::executable::{self, Profile};
use crate::process;
use crate::templates;
use crate::tools;
use crate::workspace::Workspace;
use steps::Steps;
use tally::Tally;

const NOT_ON_SPIN: &str = "NOT run: the platforms' tests on Spin itself (none of version 4.1 or \
     newer is named by SPIN or in the PATH)";

/// Checks and tests everything.
pub fn everything(workspace: &Workspace) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    steps.run("tools", || tools::ensure_all(workspace))?;
    steps.run("format", || {
        process::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))
    })?;
    steps.run("components", || components::build_all(workspace))?;
    steps.run("templates", || templates::build(workspace))?;
    steps.run("clippy", || {
        // With all targets, those that other commands alone test are left out even
        // where they are named.
        let others = ["--test", "soak"];
        for targets in [&["--all-targets"][..], &others] {
            let mut cargo = workspace.native_cargo(&["clippy", "--workspace"]);
            process::run(deny_warnings(cargo.args(targets)))?;
        }
        Ok(())
    })?;
    steps.run("clippy of the components", || {
        let mut cargo = components::cargo(workspace, "clippy");
        cargo.args(components::selection(&SHIPPED));
        cargo.args(components::selection(&ADAPTERS));
        cargo.args(components::selection(&FOR_TESTS));
        process::run(deny_warnings(&mut cargo))
    })?;
    steps.run("documentation", || {
        let mut cargo = workspace.native_cargo(&["doc", "--workspace", "--no-deps"]);
        // With an example cargo counts the features that tests need, as for
        // clippy, and checks no dependency a second time.
        cargo.args(["--lib", "--bins", "--example", "embed"]);
        process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    steps.run("dependencies", || dependencies::check(workspace))?;
    clients(workspace, &mut steps)?;
    let tally = tests(workspace, &mut steps, &[])?;
    let on_wasmtime = steps.run("HTTP on wasmtime serve", || {
        suite::run_http_on_wasmtime(workspace)
    })?;
    let mut tally = tally.and(on_wasmtime);
    for (engines, http, crashes) in [
        (
            "postgres,s3",
            "HTTP over Postgres and S3",
            "crashes over Postgres and S3",
        ),
        (
            "postgres,nats,s3",
            "HTTP over Postgres, NATS and S3",
            "crashes over Postgres, NATS and S3",
        ),
    ] {
        let http = steps.run(http, || suite::run_http_on(workspace, engines))?;
        let crashes = steps.run(crashes, || suite::run_crashes_on(workspace, engines))?;
        tally = tally.and(http).and(crashes);
    }
    let (tally, on_spin) = match tools::spin(workspace) {
        Some(spin) => {
            let run = steps.run("tests on Spin", || suite::run_on_spin(workspace, &spin))?;
            (tally.with_skipped(run), String::new())
        }
        None => (tally, format!("\n{NOT_ON_SPIN}")),
    };
    println!("\n{steps}\n{tally}{on_spin}");
    tally.verdict()
}

/// Runs the tests that the arguments for `cargo test` select, after building
/// what they need.
pub fn some(workspace: &Workspace, arguments: &[OsString]) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    steps.run("components", || components::build_all(workspace))?;
    if arguments.iter().any(|argument| argument == "clients") {
        clients(workspace, &mut steps)?;
    }
    steps.run("templates", || templates::build(workspace))?;
    let tally = tests(workspace, &mut steps, arguments)?;
    println!("\n{steps}\n{tally}");
    tally.verdict()
}

/// The packages of the clients, which their tests use.
fn clients(workspace: &Workspace, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("clients", || {
        clients::build(workspace, &workspace.target().join("clients/packages"))
    })
}

/// The tests start the executable, which `cargo test` alone would not build.
fn tests(
    workspace: &Workspace,
    steps: &mut Steps,
    arguments: &[OsString],
) -> anyhow::Result<Tally> {
    steps.run("executable", || executable::build(workspace, Profile::Dev))?;
    steps.run("tests", || suite::run(workspace, arguments))
}

fn deny_warnings(clippy: &mut Command) -> &mut Command {
    clippy.args(["--", "-D", "warnings"])
}
