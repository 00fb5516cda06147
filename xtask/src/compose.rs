//! `cargo xtask compose`: the components as single ones, for Spin and for
//! `wasmtime serve`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::components::{self, SHIPPED};
use crate::executable;
use crate::process;
use crate::workspace::{SMALLEST_TEST, Workspace};

/// The compositions; each is a file `NAME.wasm`.
pub const COMPOSED: [&str; 3] = ["spin-api", "spin-processor", "standalone"];

/// The program that composes.
const PROGRAM: &str = "concept-refinement-compose";

#[derive(Args)]
pub struct Choice {
    /// The image model: one that ships, or the path of a component.
    #[arg(long, default_value = "local")]
    model: String,
    /// Where the composed components go [default: target/composed].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Builds the components and composes them as chosen.
pub fn run(workspace: &Workspace, choice: &Choice) -> anyhow::Result<()> {
    components::build_shipped(workspace)?;
    components::build_adapters(workspace)?;
    let out = match &choice.out {
        Some(directory) => std::path::absolute(directory)?,
        None => workspace.composed(),
    };
    compose(workspace, &model(workspace, &choice.model)?, &out)?;
    for name in COMPOSED {
        let path = out.join(format!("{name}.wasm"));
        println!("{} ({})", path.display(), executable::size(&path)?);
    }
    Ok(())
}

/// Composes for the tests, with the local and the scripted model. The
/// components must exist.
pub fn for_tests(workspace: &Workspace) -> anyhow::Result<()> {
    let local = workspace.components().join("model-local.wasm");
    compose(workspace, &local, &workspace.composed())?;
    let scripted = workspace.test_components().join("model-scripted.wasm");
    compose(workspace, &scripted, &workspace.test_composed())
}

/// Composes the components with this model. A file that stays the same is left
/// alone.
pub fn compose(workspace: &Workspace, model: &Path, out: &Path) -> anyhow::Result<()> {
    let place = format!("composing-{}", std::process::id());
    let place = workspace.target().join(place);
    let mut program = program(workspace, PROGRAM)?;
    program
        .arg("--components")
        .arg(workspace.components())
        .arg("--model")
        .arg(model)
        .arg("--wit")
        .arg(workspace.root().join("wit"))
        .arg("--out")
        .arg(&place);
    let result = process::run(&mut program).and_then(|()| {
        fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
        for name in COMPOSED {
            let file = format!("{name}.wasm");
            let package = format!("concept-refinement-{name}");
            components::install(&place.join(&file), &package, &out.join(&file))?;
        }
        Ok(())
    });
    // Missing if nothing was composed.
    let _ = fs::remove_dir_all(place);
    result
}

/// Builds a helper program of the workspace with the same settings as
/// everything else, so that nothing is built twice.
pub fn program(workspace: &Workspace, name: &str) -> anyhow::Result<Command> {
    let mut cargo = workspace.native_cargo(&["build", "--quiet", "--workspace", "--bin", name]);
    process::run(cargo.args(SMALLEST_TEST))?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    Ok(workspace.command(workspace.target().join("debug").join(file)))
}

/// The component of a model, by name or path.
fn model(workspace: &Workspace, choice: &str) -> anyhow::Result<PathBuf> {
    let name = format!("model-{choice}");
    if SHIPPED.iter().any(|component| component.name == name) {
        return Ok(workspace.components().join(format!("{name}.wasm")));
    }
    let path = std::path::absolute(choice)?;
    if !path.is_file() {
        let names = SHIPPED.iter().filter_map(|component| {
            let model = component.name.strip_prefix("model-")?;
            Some(model)
        });
        bail!(
            "no model `{choice}`: it is one of {}, or the path of a component",
            names.collect::<Vec<_>>().join(", ")
        );
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_a_name_or_a_path() {
        let workspace = Workspace::find().unwrap();
        assert_eq!(
            model(&workspace, "openai").unwrap(),
            workspace.components().join("model-openai.wasm")
        );
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(model(&workspace, file).unwrap(), PathBuf::from(file));
        assert_eq!(
            model(&workspace, "no-such-model").unwrap_err().to_string(),
            "no model `no-such-model`: it is one of local, jigsawstack, openai, automatic1111, \
             or the path of a component"
        );
    }
}
