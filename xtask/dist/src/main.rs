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
use clap::Parser;
use fs_err as fs;

use crate::bom::Artifact;

/// Writes what goes into `dist/` beside the components: `wit.wasm`, the interfaces as one
/// package, as `wkg` publishes them; `bom.cdx.json`, all that was linked, as CycloneDX;
/// `licenses/`, their texts; and `SHA256SUMS`, of each file, as `sha256sum` checks them.
#[derive(Parser)]
struct Arguments {
    /// The root of the workspace.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The directory to complete; what is in it is called relative to it.
    #[arg(long, value_name = "DIR")]
    dist: PathBuf,
    /// A component and the package that it is of: PACKAGE=FILE.
    #[arg(long = "component", value_name = "PACKAGE=FILE", value_parser = component)]
    components: Vec<(String, PathBuf)>,
    /// The package of an executable, of this machine's kind.
    #[arg(long = "executable", value_name = "PACKAGE")]
    executables: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dist: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (root, dist) = (&arguments.root, &arguments.dist);
    fs::write(dist.join("wit.wasm"), wit::package(&root.join("wit"))?)?;
    let mut artifacts = Vec::new();
    for (package, file) in &arguments.components {
        artifacts.push(Artifact::component(root, dist, package, file)?);
    }
    for package in &arguments.executables {
        artifacts.push(Artifact::executable(root, package)?);
    }
    let lock = fs::read_to_string(root.join("Cargo.lock"))?;
    let bom = bom::write(&artifacts, &lock::checksums(&lock)?)?;
    fs::write(dist.join("bom.cdx.json"), bom)?;
    write_licenses(root, &artifacts, &dist.join("licenses"))?;
    checksums::write(dist)
}

fn write_licenses(root: &Path, artifacts: &[Artifact], to: &Path) -> anyhow::Result<()> {
    let crates = artifacts
        .iter()
        .flat_map(|artifact| artifact.tree.uses.keys().cloned());
    let mut places = licenses::places(root, bom::TARGET)?;
    let this_machine = licenses::target_of_this_machine()?;
    places.extend(licenses::places(root, &this_machine)?);
    let texts = licenses::write(&crates.collect(), &places, root)?;
    fs::create_dir_all(to)?;
    fs::write(to.join("third-party.txt"), texts)?;
    let library = licenses::of_library()?;
    Ok(fs::write(to.join("rust-library.html"), library)?)
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
