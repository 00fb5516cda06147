//! The protocol's own suite, as far as it asks for nothing that only a server made for it has:
//! what of it fails, and which scenarios are not run, is in a file, with the reasons.

use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;

use super::bridge::Bridge;
use super::gateway;

/// Revisions, and scenarios that they have.
const SCENARIOS: [(&str, &[&str]); 2] = [
    ("2026-07-28", &["server-stateless", "tools-list", "caching"]),
    ("2025-11-25", &["server-initialize", "ping", "tools-list"]),
];

/// Runs scenarios at this URL. Others than those of the file must pass, and those must fail.
async fn suite(url: &str, failures: &str, scenarios: &[(&str, &[&str])]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/mcp_sdk");
    let environment = artifacts::mcp_python();
    let environment = environment.ancestors().nth(2).unwrap();
    let program = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
    let runs = scenarios.iter().flat_map(|(revision, names)| {
        let run = |name| (*revision, name);
        names.iter().map(run)
    });
    let runs = runs.map(async |(revision, name)| {
        let mut deno = Command::new(artifacts::npm_tool("deno", "deno"));
        deno.args(["run", "--allow-all", "--no-lock", "--quiet"])
            .args(["--node-modules-dir=manual", program, "server"])
            .args(["--url", url, "--scenario", name])
            .args(["--spec-version", revision, "--expected-failures"])
            .arg(directory.join(failures))
            .arg("--output-dir")
            .arg(scratch("conformance"))
            .current_dir(environment)
            .env("DENO_DIR", scratch("deno"))
            .env("DENO_NO_UPDATE_CHECK", "1");
        let ran = tokio::task::spawn_blocking(move || deno.output().unwrap());
        let ran = ran.await.unwrap();
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{revision}, {name}: {told}\n{ran:?}");
    });
    join_all(runs).await;
}

/// What is about HTTP.
const OF_HTTP: [(&str, &[&str]); 2] = [
    ("2026-07-28", &["http-header-validation"]),
    ("2025-11-25", &["dns-rebinding-protection"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_command_conforms() {
    let bridge = Bridge::start().await;
    suite(&bridge.url(), "failures_of_the_command.yml", &SCENARIOS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_conforms() {
    let service = Launch::new().with_tokens().start();
    let url = gateway::to(format!("{}/mcp", service.url()), &token("ann")).await;
    let failures = "failures_of_the_service.yml";
    suite(&url, failures, &SCENARIOS).await;
    suite(&url, failures, &OF_HTTP).await;
}
