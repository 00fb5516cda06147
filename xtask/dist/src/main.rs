//! Writes the files of `dist/` besides the components: the WIT package, the
//! SBOM, licences, checksums.
//!
//! Called by `cargo xtask dist`. Deterministic: its output depends only on its
//! input.

mod bom;
mod checksums;
mod licenses;
mod lock;
mod tree;
mod wit;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use fs_err as fs;

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
    /// All that was linked, as CycloneDX, and its licences.
    Bom {
        /// The root of the workspace.
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
        /// What things are called relative to.
        #[arg(long, value_name = "DIR")]
        dist: PathBuf,
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// A directory for the texts of the licences.
        #[arg(long, value_name = "DIR")]
        licenses: PathBuf,
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
        Task::Wit { from, to } => Ok(fs::write(to, wit::package(&from)?)?),
        Task::Bom {
            root,
            dist,
            to,
            licenses,
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
            let lock = fs::read_to_string(root.join("Cargo.lock"))?;
            let bom = bom::write(&artifacts, &lock::checksums(&lock)?)?;
            fs::write(to, bom)?;
            write_licenses(&root, &artifacts, &licenses)
        }
        Task::Checksums { directory } => checksums::write(&directory),
    }
}

fn write_licenses(root: &Path, artifacts: &[Artifact], to: &Path) -> anyhow::Result<()> {
    let crates = artifacts
        .iter()
        .flat_map(|artifact| artifact.tree.uses.keys().cloned());
    let mut places = licenses::places(root, bom::TARGET)?;
    places.extend(licenses::places(
        root,
        &licenses::target_of_this_machine()?,
    )?);
    let texts = licenses::write(&crates.collect(), &places, root)?;
    fs::create_dir_all(to)?;
    fs::write(to.join("third-party.txt"), texts)?;
    Ok(fs::write(
        to.join("rust-library.html"),
        licenses::of_library()?,
    )?)
}

fn component(argument: &str) -> Result<(String, PathBuf), &'static str> {
    let (package, file) = argument.split_once('=').ok_or("it is PACKAGE=FILE")?;
    Ok((package.to_owned(), file.into()))
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// What a program prints, which has to succeed.
fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{command:?} cannot be run"))?;
    if !output.status.success() {
        bail!("{command:?} failed ({})", output.status);
    }
    Ok(output.stdout)
}
