//! Composes components for platforms that run one component and do not know our
//! interfaces: each import of ours is filled by another component, so that only
//! the platform's interfaces remain.
//!
//! Called by `cargo xtask compose`. It compiles nothing and reads only the
//! given files.

mod graph;
mod plan;
mod platform;
mod types;

#[cfg(test)]
mod stand_ins;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use crate::graph::Parts;
use crate::plan::{PLANS, Part};

/// Composes the components for each platform.
#[derive(Parser)]
struct Arguments {
    /// The directory of the components that ship.
    #[arg(long, value_name = "DIR")]
    components: PathBuf,
    /// The component of the image model.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The directory of the interfaces.
    #[arg(long, value_name = "DIR")]
    wit: PathBuf,
    /// Where the composed components go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compose: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let types = types::component(&arguments.wit)?;
    let parts = |part: Part| match part {
        Part::Shipped(name) => read(&arguments.components.join(format!("{name}.wasm"))),
        Part::Model => read(&arguments.model),
        Part::Types => Ok(types.clone()),
    };
    fs::create_dir_all(&arguments.out)
        .with_context(|| format!("{} cannot be made", arguments.out.display()))?;
    for plan in &PLANS {
        let composed = compose(plan, &parts)?;
        let to = arguments.out.join(format!("{}.wasm", plan.name));
        fs::write(&to, composed).with_context(|| format!("{} cannot be written", to.display()))?;
    }
    Ok(())
}

/// Wires a plan and checks the result from outside.
fn compose(plan: &plan::Plan, parts: Parts<'_>) -> anyhow::Result<Vec<u8>> {
    let composed = graph::compose(plan, parts).with_context(|| plan.name.to_owned())?;
    platform::check(&composed, plan.platform).with_context(|| plan.name.to_owned())?;
    Ok(composed)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests;
