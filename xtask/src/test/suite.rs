//! Runs `cargo test` of the workspace, passes its output through and adds up
//! its results.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::tally::Tally;
use crate::workspace::Workspace;

/// Runs all tests, whether or not some fail, or those that the arguments choose.
pub fn run(workspace: &Workspace, arguments: &[OsString]) -> anyhow::Result<Tally> {
    tallied(cargo_test(workspace).args(arguments))
}

/// Runs the tests that need Spin.
pub fn run_on_spin(workspace: &Workspace, spin: &Path) -> anyhow::Result<Tally> {
    let mut cargo = cargo_test(workspace);
    cargo.env("SPIN", spin);
    cargo.args(["--test", "platforms", "--test", "spin_shaped"]);
    tallied(cargo.args(["--", "--ignored", "spin::"]))
}

/// What the service's HTTP is asked end to end, by module of `tests/e2e`.
const HTTP: [&str; 18] = [
    "answers::",
    "auth::",
    "concepts::",
    "connections::",
    "cors::",
    "deleting::",
    "events::",
    "fairness::",
    "headers::",
    "health::",
    "http::",
    "idempotency::",
    "images::",
    "large::",
    "lists::",
    "overload::",
    "refusals::",
    "waiting::",
];

/// Modules of `tests/e2e` that are about the components, whoever serves them.
const ON_WASMTIME: [&str; 11] = [
    "answers::",
    "auth::",
    "concepts::",
    "cors::",
    "headers::",
    "idempotency::",
    "images::",
    "large::",
    "lists::",
    "originals::",
    "uploads::",
];

/// Of what these words select besides, what is about our host: other modules, its own
/// answers, its network, and that it reads on where a body is refused.
const OF_OUR_HOST: [&str; 13] = [
    "connections::",
    "events::",
    "forbidden::",
    "metrics::",
    "proxies::",
    "roles::",
    "room::",
    "waiting::",
    "webhooks::",
    "errors_of_the_host",
    "what_the_host_answers",
    "a_bad_original_fails",
    "a_refinement_is_judged_in_order",
];

/// What is asked of what is stored besides, by module too.
const STORED: [&str; 5] = [
    "originals::",
    "restart::",
    "retention::",
    "room::",
    "uploads::",
];

/// Runs the tests of HTTP that are not about our host once more, on `wasmtime serve`.
pub fn run_http_on_wasmtime(workspace: &Workspace) -> anyhow::Result<Tally> {
    let mut cargo = cargo_test(workspace);
    cargo.env("REFINEMENT_TEST_PLATFORM", "wasmtime");
    cargo.args(["--test", "e2e", "--"]);
    cargo.args(ON_WASMTIME);
    cargo.args(OF_OUR_HOST.iter().flat_map(|name| ["--skip", name]));
    let tally = tallied(&mut cargo)?;
    Ok(tally.with_success(tally.passed > 0))
}

/// Of `tests/crashes`: what does not start engines of its own, and does not look into
/// files; of the points of the program half of them, since they take long.
const CRASHES: [&str; 5] = [
    "flaws::each_flaw",
    "flaws::without_the_flaw",
    "pauses::",
    "points::before",
    "random::",
];

/// Runs the tests of HTTP once more, with services on these engines: words with
/// commas between them, of which `tests/src/engines.rs` has the list.
pub fn run_http_on(workspace: &Workspace, engines: &str) -> anyhow::Result<Tally> {
    run_on(workspace, engines, "e2e", &[&HTTP, &STORED])
}

/// The same of crashes.
pub fn run_crashes_on(workspace: &Workspace, engines: &str) -> anyhow::Result<Tally> {
    run_on(workspace, engines, "crashes", &[&CRASHES])
}

fn run_on(
    workspace: &Workspace,
    engines: &str,
    suite: &str,
    selections: &[&[&str]],
) -> anyhow::Result<Tally> {
    let mut cargo = cargo_test(workspace);
    cargo.env("REFINEMENT_TEST_ENGINES", engines);
    cargo.args(["--test", suite, "--"]);
    let tally = tallied(cargo.args(selections.concat()))?;
    Ok(tally.with_success(tally.passed > 0))
}

fn cargo_test(workspace: &Workspace) -> Command {
    workspace.native_cargo(&["test", "--workspace", "--no-fail-fast"])
}

fn tallied(cargo: &mut Command) -> anyhow::Result<Tally> {
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo cannot be run")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let tally = pass_on(BufReader::new(output), io::stdout().lock())?;
    let status = child.wait()?;
    Ok(tally.with_success(status.success()))
}

/// Copies line by line, and counts.
fn pass_on(mut from: impl BufRead, mut to: impl io::Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        tally.add(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_passed_on_unchanged_and_counted() {
        let output = b"running 2 tests\n\xff\xfe not text\r\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 1 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out\r\nno end";
        let mut seen = Vec::new();
        let tally = pass_on(output.as_slice(), &mut seen).unwrap();
        assert_eq!(seen, output);
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 3 skipped");
    }
}
