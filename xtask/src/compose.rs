//! `cargo xtask compose`: composes the components into single ones, for Spin and for
//! `wasmtime serve`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use fs_err as fs;

use crate::components;
use crate::executable::{self, Profile};
use crate::process;
use crate::workspace::Workspace;

/// The compositions; each is a file `NAME.wasm`.
pub const COMPOSED: [&str; 3] = ["spin-api", "spin-processor", "standalone"];

/// The program that composes.
const PROGRAM: &str = "concept-refinement-compose";

#[derive(Args)]
pub struct Choice {
    /// The image model: one that ships, the path of a component, or a chain.
    #[arg(long, default_value = "local")]
    model: String,
    /// Where the composed components go [default: target/composed].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Builds the components, and composes them as requested.
pub fn run(workspace: &Workspace, choice: &Choice) -> anyhow::Result<()> {
    components::build_shipped(workspace)?;
    components::build_adapters(workspace)?;
    let out = match &choice.out {
        Some(directory) => std::path::absolute(directory)?,
        None => workspace.composed(),
    };
    compose(workspace, &choice.model, &out)?;
    for name in COMPOSED {
        let path = out.join(format!("{name}.wasm"));
        println!("{} ({})", path.display(), executable::size(&path)?);
    }
    Ok(())
}

/// A chain for the tests, with a named link.
const CHAIN: &str = "fallback(cache(fast=openai), cache(automatic1111))";

/// The same of components that were built with the interfaces of 0.1.0, in this directory.
const RELEASED: &str = "fallback(DIR/middleware.wasm(DIR/model.wasm, local))";

/// Composes for the tests: with the local model, the scripted one, and chains. The
/// components must exist.
pub fn for_tests(workspace: &Workspace) -> anyhow::Result<()> {
    compose(workspace, "local", &workspace.composed())?;
    let scripted = workspace.test_components().join("model-scripted.wasm");
    let scripted = scripted.to_str().context("the path is not UTF-8")?;
    let composed = workspace.test_composed();
    compose(workspace, scripted, &composed)?;
    compose(workspace, CHAIN, &composed.join("chain"))?;
    let released = workspace.root().join("tests/released/0.1.0");
    let released = released.to_str().context("the path is not UTF-8")?;
    let released = RELEASED.replace("DIR", released);
    compose(workspace, &released, &composed.join("released"))
}

/// Composes the components with this model, whose paths are relative to the current
/// directory. Unchanged files are not touched.
pub fn compose(workspace: &Workspace, model: &str, out: &Path) -> anyhow::Result<()> {
    let place = format!("composing-{}", std::process::id());
    let place = workspace.target().join(place);
    let mut program = program(workspace, PROGRAM)?;
    program.current_dir(env::current_dir()?);
    program.arg("--components").arg(workspace.components());
    program.arg("--model").arg(model);
    program.arg("--wit").arg(workspace.root().join("wit"));
    program.arg("--out").arg(&place);
    let result = process::run(&mut program).and_then(|()| {
        fs::create_dir_all(out)?;
        for name in COMPOSED {
            let file = format!("{name}.wasm");
            let package = format!("concept-refinement-{name}");
            components::install(&place.join(&file), &package, &out.join(&file))?;
        }
        Ok(())
    });
    // Does not exist if nothing was composed.
    let _ = fs::remove_dir_all(place);
    result
}

/// Builds a helper program of the workspace with the same settings as everything else, so
/// that nothing is built twice.
pub fn program(workspace: &Workspace, name: &str) -> anyhow::Result<Command> {
    let program = executable::link(workspace, Profile::Dev, name)?;
    Ok(workspace.command(program))
}
