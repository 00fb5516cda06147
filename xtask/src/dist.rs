//! `cargo xtask dist`: all distributed files in one directory.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use fs_err as fs;

use crate::clients;
use crate::components::{self, ADAPTERS, MIDDLEWARE};
use crate::compose;
use crate::dependencies;
use crate::executable::{self, Profile};
use crate::package;
use crate::process;
use crate::workspace::{Workspace, remove};

/// The program that writes the other files.
const PROGRAM: &str = "concept-refinement-dist";

/// Spin's manifest and runtime configuration.
const MANIFEST: &str = "spin.toml";
const RUNTIME_CONFIG: &str = "runtime-config.toml";
/// Where the manifest expects composed components, at the root and here.
const COMPOSED: &str = "\"target/composed/";
const COMPOSED_HERE: &str = "\"composed/local/";

#[derive(Args)]
pub struct Form {
    /// The output directory, which is emptied first [default: dist].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Make it even where nobody can tell whether what it is made of has known
    /// vulnerabilities.
    #[arg(long)]
    unchecked_advisories: bool,
    /// With the executable of development in the Debian package, which is soon built:
    /// to try it.
    #[arg(long)]
    debug: bool,
}

pub fn run(workspace: &Workspace, form: &Form) -> anyhow::Result<()> {
    let dist = match &form.out {
        Some(directory) => std::path::absolute(directory)?,
        None => workspace.root().join("dist"),
    };
    if !dependencies::check_advisories(workspace)? && !form.unchecked_advisories {
        bail!("the advisories are not checked: to release without, --unchecked-advisories");
    }
    dependencies::check(workspace)?;
    let profile = match form.debug {
        true => Profile::Dev,
        false => Profile::Release,
    };
    let executable = executable::compile(workspace, profile)?;
    components::build_adapters(workspace)?;
    remove(&dist)?;
    let components = dist.join("components");
    fs::create_dir_all(&components)?;
    for name in distributed() {
        let file = format!("{name}.wasm");
        fs::copy(workspace.components().join(&file), components.join(&file))?;
    }
    compose_with_each_model(workspace, &dist)?;
    clients::build(workspace, &dist.join("clients"))?;
    write_manifest(workspace, &dist)?;
    for name in [RUNTIME_CONFIG, "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(workspace.root().join(name), dist.join(name))?;
    }
    package::build(workspace, &executable, profile, &dist)?;
    run_program(workspace, &dist)?;
    println!("{}", dist.display());
    Ok(())
}

fn distributed() -> impl Iterator<Item = &'static str> {
    components::shipped().chain(ADAPTERS)
}

fn compose_with_each_model(workspace: &Workspace, dist: &Path) -> anyhow::Result<()> {
    for name in components::shipped() {
        if let Some(model) = name.strip_prefix("model-")
            && !MIDDLEWARE.contains(&model)
        {
            compose::compose(workspace, model, &dist.join("composed").join(model))?;
        }
    }
    Ok(())
}

/// Writes the manifest with paths relative to it.
fn write_manifest(workspace: &Workspace, dist: &Path) -> anyhow::Result<()> {
    let manifest = fs::read_to_string(workspace.root().join(MANIFEST))?;
    let manifest = manifest.replace(COMPOSED, COMPOSED_HERE);
    Ok(fs::write(dist.join(MANIFEST), manifest)?)
}

fn run_program(workspace: &Workspace, dist: &Path) -> anyhow::Result<()> {
    let mut program = compose::program(workspace, PROGRAM)?;
    program.arg("--root").arg(workspace.root());
    program.arg("--dist").arg(dist);
    for name in distributed() {
        let file = dist.join("components").join(format!("{name}.wasm"));
        program.arg("--component");
        program.arg(format!("{}={}", components::package(name), file.display()));
    }
    program.args(["--executable", "concept-refinement-host"]);
    process::run(&mut program)
}
