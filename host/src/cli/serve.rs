//! `serve`

use clap::ArgMatches;

use super::{Failure, settings};
use crate::{Components, HostBuilder, serve};

const LOGGED: &str = "warn,concept_refinement=info,concept_refinement_host=info";

pub fn run(
    matches: &ArgMatches,
    prepare: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Result<(), Failure> {
    let given = settings::given(matches, |_| true)?;
    let config = settings::config(given.values)?;
    settings::start_log(config.log_format, LOGGED)?;
    for variable in given.unknown_variables {
        tracing::warn!(variable, "an unknown variable is ignored");
    }
    let components = Components::load(given.components.as_deref(), &config.model)?;
    serve::until_stopped(prepare(HostBuilder::new(config, components)))?;
    Ok(())
}
