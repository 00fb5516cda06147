//! `concept-refinement-spin-shaped`: it reads `spin.toml` and offers components
//! what Spin 4.1 offers, no more, with the surprises that Spin has. It is for
//! tests only: what runs here is to run there, where no `spin` is at hand.
//!
//! It knows less than Spin: no files, no environment, no TLS, no stores beside
//! the default one, no WASI HTTP of 0.2, no requests to itself, no networks but
//! the private ones, and of wildcards for hosts only the one for all. A manifest
//! that asks for any of it is an error. Where Spin traps an instance for a request
//! to a component that is not there, the component here is told of an internal
//! error.
//!
//! Compiled code is kept in the target directory.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only, and panics where Spin does"
)]

mod allowed;
mod application;
mod blocked;
mod compiled;
mod instances;
mod manifest;
mod outbound;
mod routes;
mod server;
mod state;
mod template;
mod variables;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser};
use concept_refinement_tests::artifacts;
use tokio::net::TcpListener;

use application::Options;
// Shared with the contract of the stores.
use concept_refinement_tests::spin::{bindings, keyvalue, store};

#[derive(Parser)]
enum Command {
    /// Starts an application.
    Up(Up),
}

#[derive(Args)]
struct Up {
    /// The manifest, or the directory in which it is.
    #[arg(long, short = 'f', default_value = "spin.toml")]
    from: PathBuf,
    /// Where to listen; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where state is kept; `.spin` beside the manifest if not given.
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// A value for a variable of the application.
    #[arg(long = "variable", value_parser = variable)]
    variables: Vec<(String, String)>,
    #[arg(long)]
    runtime_config_file: Option<PathBuf>,
    /// Posts twice, at the same time, whatever a component posts to another, as a
    /// queue may that delivers at least once. Spin has no such flag.
    #[arg(long)]
    post_twice: bool,
    /// In seconds, or with one of the suffixes `s` and `ms`.
    #[arg(long, value_parser = duration)]
    request_timeout: Option<Duration>,
}

fn main() -> ExitCode {
    let Command::Up(up) = Command::parse();
    match run(up) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(up: Up) -> anyhow::Result<()> {
    let manifest = match up.from.is_dir() {
        true => up.from.join("spin.toml"),
        false => up.from,
    };
    let beside = manifest.parent().unwrap_or(Path::new("")).join(".spin");
    let options = Options {
        state: up.state_dir.unwrap_or(beside),
        manifest,
        variables: up.variables.into_iter().collect(),
        runtime_config: up.runtime_config_file,
        request_timeout: up.request_timeout,
        post_twice: up.post_twice,
        compiled: artifacts::compiled().join("spin-shaped"),
    };
    // Calls of the store need several threads.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = application::load(&options)?;
        let listener = TcpListener::bind(up.listen)
            .await
            .with_context(|| format!("cannot listen on {}", up.listen))?;
        println!("Serving http://{}", listener.local_addr()?);
        server.serve(listener).await
    })
}

/// A value that begins with `@` names a file in Spin.
fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is not NAME=VALUE")?;
    match value.starts_with('@') {
        true => Err("values from files are not for this host".to_owned()),
        false => Ok((name.to_owned(), value.to_owned())),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.strip_suffix("ms") {
        Some(number) => number.parse().map(Duration::from_millis),
        None => text
            .strip_suffix('s')
            .unwrap_or(text)
            .parse()
            .map(Duration::from_secs),
    };
    parsed.map_err(|_| "it is no time like 5, 5s or 500ms".to_owned())
}
