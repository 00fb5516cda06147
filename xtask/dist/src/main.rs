//! Writes the files of `dist/` besides the components: the WIT package, the
//! SBOM, checksums.
//!
//! Called by `cargo xtask dist`. Deterministic: its output depends only on its
//! input.

mod bom;
mod checksums;
mod lock;
mod tree;
mod wit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::bom::Artifact;

/// Writes what goes into `dist/` beside the components.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The interfaces of a directory as one package, as `wkg` publishes them.
    Wit { from: PathBuf, to: PathBuf },
    /// All that was linked, as CycloneDX.
    Bom {
        /// The root of the workspace.
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
        /// What things are called relative to.
        #[arg(long, value_name = "DIR")]
        dist: PathBuf,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// A component and the package that it is of: PACKAGE=FILE.
        #[arg(long = "component", value_name = "PACKAGE=FILE", value_parser = component)]
        components: Vec<(String, PathBuf)>,
        /// The package of an executable, of this machine's kind.
        #[arg(long = "executable", value_name = "PACKAGE")]
        executables: Vec<String>,
    },
    /// SHA-256 of each file in a directory, as `sha256sum` checks them.
    Checksums { directory: PathBuf },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dist: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Wit { from, to } => write(&to, &wit::package(&from)?),
        Task::Bom {
            root,
            dist,
            to,
            components,
            executables,
        } => {
            let mut artifacts = Vec::new();
            for (package, file) in components {
                artifacts.push(Artifact::component(&root, &dist, &package, &file)?);
            }
            for package in executables {
                artifacts.push(Artifact::executable(&root, &package)?);
            }
            let lock = fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
            let bom = bom::write(&artifacts, &lock::checksums(&lock)?)?;
            write(&to, bom.as_bytes())
        }
        Task::Checksums { directory } => checksums::write(&directory),
    }
}

fn component(argument: &str) -> Result<(String, PathBuf), &'static str> {
    let (package, file) = argument.split_once('=').ok_or("it is PACKAGE=FILE")?;
    Ok((package.to_owned(), file.into()))
}

fn write(to: &Path, contents: &[u8]) -> anyhow::Result<()> {
    fs::write(to, contents).with_context(|| format!("{} cannot be written", to.display()))
}
