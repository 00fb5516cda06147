//! `compile COMPONENT -o OUT`, for whoever builds a release: the code of a
//! component, to be embedded in the executable.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ArgMatches;

use super::failure::Failure;
use crate::wasm::engine::ahead;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let path = |name| {
        let path = matches.get_one::<PathBuf>(name);
        path.with_context(|| format!("no {name}"))
    };
    let (component, out) = (path("component")?, path("out")?);
    let bytes = fs::read(component)
        .with_context(|| format!("reading the component {}", component.display()))?;
    let code = ahead::compile(&bytes)
        .with_context(|| format!("{} cannot be compiled", component.display()))?;
    fs::write(out, code).with_context(|| format!("writing {}", out.display()))?;
    Ok(())
}
