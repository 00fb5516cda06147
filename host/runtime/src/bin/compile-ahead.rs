//! `compile-ahead COMPONENT OUT [packed]`: compiles a component to the code that executables
//! embed. Only builds of releases use it.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context as _;
use concept_refinement_runtime::wasm::engine::ahead::{self, Packing};

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (component, out) = arguments
        .next()
        .zip(arguments.next())
        .context("compile-ahead COMPONENT OUT [packed]")?;
    let packing = match arguments.next() {
        Some(word) if word.as_os_str() == "packed" => Packing::Deflate,
        Some(word) => anyhow::bail!(
            "{} is unknown: compile-ahead COMPONENT OUT [packed]",
            word.display()
        ),
        None => Packing::Plain,
    };
    let bytes = fs::read(&component).with_context(|| format!("reading {}", component.display()))?;
    let code = ahead::compile(&bytes, packing)
        .with_context(|| format!("{} cannot be compiled", component.display()))?;
    fs::write(&out, code).with_context(|| format!("writing {}", out.display()))
}
