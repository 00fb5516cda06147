//! Composes components for platforms that run one component and do not know our
//! interfaces: each import of ours is filled by another component, so that only
//! the platform's interfaces remain.
//!
//! Called by `cargo xtask compose`. It compiles nothing and reads only the
//! given files.

mod graph;
mod link_name;
mod plan;
mod platform;
mod types;
mod version_0_1;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use concept_refinement_domain::chain::{self, Component, Link};
use fs_err as fs;

use crate::graph::Parts;
use crate::plan::{Part, plans};

/// Composes the components for each platform.
#[derive(Parser)]
struct Arguments {
    /// The directory of the components that ship.
    #[arg(long, value_name = "DIR")]
    components: PathBuf,
    /// The image model: one that ships, the path of a component, or a chain.
    #[arg(long, value_name = "MODEL")]
    model: String,
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
    let model = chain::parse(&arguments.model);
    let model = model.map_err(|problem| anyhow::anyhow!("the model {problem}"))?;
    let (links, names) = (model.links(), model.names());
    let link = |place: usize| links.get(place).context("the model has no such link");
    let parts = |part: &Part| match part {
        Part::Shipped(name) => Ok(fs::read(arguments.components.join(format!("{name}.wasm")))?),
        Part::Model(place) => component(link(*place)?, &arguments.components),
        Part::LinkName(place) => {
            let name = names.get(*place);
            link_name::component(name.context("the model has no such link")?)
        }
        Part::Types => Ok(types.clone()),
    };
    let are_old: Vec<bool> = links
        .iter()
        .map(|link| version_0_1::is_spoken_by(&component(link, &arguments.components)?))
        .collect::<anyhow::Result<_>>()?;
    let is_old = |place: usize| are_old.get(place).is_some_and(|is_old| *is_old);
    fs::create_dir_all(&arguments.out)?;
    for plan in &plans(&model, &is_old) {
        let composed = compose(plan, &parts)?;
        fs::write(arguments.out.join(format!("{}.wasm", plan.name)), composed)?;
    }
    if model.behind.is_some() {
        println!("{}", merged(&names));
    }
    Ok(())
}

/// Reads the component of a link.
fn component(link: &Link, components: &Path) -> anyhow::Result<Vec<u8>> {
    let name = match &link.component {
        Component::File(path) => return Ok(fs::read(path)?),
        Component::Shipped(name) => name,
    };
    let file = components.join(format!("model-{name}.wasm"));
    if !file.is_file() {
        bail!("no model `{name}`: it is one that ships, or the path of a component");
    }
    Ok(fs::read(file)?)
}

/// A warning for whoever composes: what works differently in a composition than on our
/// host.
fn merged(names: &[String]) -> String {
    format!(
        "{} are in one instance: what the platform grants it (network, memory, time) each of \
         them has. Each sees its own settings only (models-NAME-url and so on). Nothing is \
         remembered from one task to the next: no circuit opens, nothing is cached. A model \
         that hangs takes the time of all.",
        names.join(", ")
    )
}

/// Wires a plan, and checks the result from outside.
fn compose(plan: &plan::Plan, parts: Parts<'_>) -> anyhow::Result<Vec<u8>> {
    let composed = graph::compose(plan, parts).with_context(|| plan.name.to_owned())?;
    platform::check(&composed, plan.platform).with_context(|| plan.name.to_owned())?;
    Ok(composed)
}

#[cfg(test)]
mod tests;
