//! `cargo xtask test`: runs all tests, or some of them.
//!
//! Steps run in order until the first failure. A step reports what it could not check.

mod failures;
mod programs;
mod runner;
mod steps;
mod suite;
mod tally;

use std::ffi::OsString;
use std::process::Command;

use crate::clients;
use crate::components::{self, ADAPTERS, FOR_TESTS, beside};
use crate::compose;
use crate::dependencies;
use crate::process;
use crate::templates;
use crate::tools;
use crate::workspace::Workspace;
use steps::Steps;
use suite::Suites;
use tally::Tally;

const NOT_ON_SPIN: &str = "NOT run: the platforms' tests on Spin itself (none of version 4.1 or \
     newer is named by SPIN or in the PATH)";

/// Tests the embedded product. Installs nothing but crates.
pub fn embedded(workspace: &Workspace) -> anyhow::Result<()> {
    let suites = Suites::read()?;
    let mut steps = Steps::default();
    let components = || {
        components::build_shipped(workspace)?;
        components::build_for_tests(workspace)
    };
    let programs = steps.run("components and programs", || {
        beside(components, || programs::build(workspace))
    })?;
    let tally = steps.run("tests", || {
        runner::run(workspace, suites.embedded(&programs))
    })?;
    println!("\n{steps}\n{tally}\nthe rest: cargo xtask test --all");
    tally.verdict()
}

/// Checks and tests everything.
pub fn everything(workspace: &Workspace) -> anyhow::Result<()> {
    let suites = Suites::read()?;
    let mut steps = Steps::default();
    steps.run("format", || {
        tools::ensure_lints(workspace)?;
        process::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))
    })?;
    let programs = steps.run("tools, components and programs", || {
        let tools_and_components = || {
            tools::ensure_all(workspace)?;
            components::build_all(workspace)
        };
        beside(tools_and_components, || programs::build(workspace))
    })?;
    steps.run("composition", || compose::for_tests(workspace))?;
    steps.run("templates", || templates::build(workspace))?;
    lint(workspace, &mut steps)?;
    steps.run("dependencies", || {
        dependencies::check_advisories(workspace)?;
        dependencies::check(workspace)
    })?;
    clients(workspace, &mut steps)?;
    let tally = steps.run("tests", || {
        runner::run(workspace, suites.everything(&programs))
    })?;
    let of_documentation = steps.run("tests of documentation", || {
        let mut cargo = workspace.native_cargo(&["test", "--workspace", "--doc"]);
        Tally::of_command(&mut cargo)
    })?;
    let tally = tally.and(of_documentation);
    let (tally, on_spin) = match tools::spin(workspace) {
        Some(spin) => {
            let runs = suites.on_spin(&programs, &spin);
            let run = steps.run("tests on Spin", || runner::run(workspace, runs))?;
            (tally.with_skipped(run), String::new())
        }
        None => (tally, format!("\n{NOT_ON_SPIN}")),
    };
    println!("\n{steps}\n{tally}{on_spin}");
    tally.verdict()
}

/// Runs the tests selected by the arguments for `cargo test`, after building what they
/// need.
pub fn some(workspace: &Workspace, arguments: &[OsString]) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let components = || components::build_all(workspace);
    steps.run("components and executables", || {
        beside(components, || programs::build_executables(workspace))
    })?;
    compose::for_tests(workspace)?;
    if arguments.iter().any(is_of_clients) {
        clients(workspace, &mut steps)?;
    }
    templates::build(workspace)?;
    let tally = steps.run("tests", || {
        let mut cargo = workspace.native_cargo(&["test", "--workspace", "--no-fail-fast"]);
        Tally::of_command(cargo.args(arguments))
    })?;
    println!("\n{steps}\n{tally}");
    tally.verdict()
}

/// Whether an argument for `cargo test` selects tests that need the clients' packages.
fn is_of_clients(argument: &OsString) -> bool {
    let argument = argument.to_string_lossy();
    argument == "shipped" || argument.starts_with("clients")
}

fn lint(workspace: &Workspace, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("clippy", || {
        // `--all-targets` excludes tests that only other commands run, even if they are
        // named.
        let others = ["--test", "soak"];
        for targets in [&["--all-targets"][..], &others] {
            let mut cargo = workspace.native_cargo(&["clippy", "--workspace"]);
            process::run(deny_warnings(cargo.args(targets)))?;
        }
        Ok(())
    })?;
    steps.run("clippy of the components", || {
        let mut cargo = components::cargo(workspace, "clippy");
        cargo.args(components::selection(components::shipped()));
        cargo.args(components::selection(ADAPTERS));
        cargo.args(components::selection(FOR_TESTS));
        process::run(deny_warnings(&mut cargo))
    })?;
    steps.run("documentation", || {
        let mut cargo = workspace.native_cargo(&["doc", "--workspace", "--no-deps"]);
        // With an example, cargo selects the features that tests need, as for clippy, so
        // dependencies are not checked again.
        cargo.args(["--lib", "--bins", "--examples"]);
        process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
    })
}

/// The packages of the clients, which their tests use.
fn clients(workspace: &Workspace, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run("clients", || {
        clients::build(workspace, &workspace.target().join("clients/packages"))
    })
}

pub fn deny_warnings(clippy: &mut Command) -> &mut Command {
    clippy.args(["--", "-D", "warnings"])
}
