//! `serve`

use clap::ArgMatches;

use super::failure::Failure;
use super::process::{announce, until_stopped};
use super::settings;
use crate::config::exposed;
use crate::log;
use crate::traces::Sending;
use crate::wiring::HostBuilder;

const LOGGED: &str = "warn,concept_refinement=info";

pub fn run(
    matches: &ArgMatches,
    prepare: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Result<(), Failure> {
    let (config, given) = settings::begin(matches, None, LOGGED)?;
    let components = given.components(&config).map_err(Failure::Usage)?;
    log::panics();
    let of_links = config.unknown_variables();
    for variable in given.unknown_variables.into_iter().chain(of_links) {
        tracing::warn!(variable, "an unknown variable is ignored");
    }
    config.log(given.file.as_deref());
    for (link, model, day) in config.model.ending_models() {
        tracing::warn!(link, model, day, "the provider shuts this model down");
    }
    for sentence in config.warnings() {
        tracing::warn!("{sentence}");
    }
    if let Some(exposed) = given.file.as_deref().and_then(exposed) {
        tracing::warn!("{exposed}");
    }
    let trust = config.trust.clone();
    let builder = prepare(HostBuilder::new(config).components(components)).on_waiting(announce);
    until_stopped(async {
        let sending = Sending::of_environment(&trust);
        let traces = sending.traces();
        // An embedding program may have a tracer of its own.
        let builder = match traces.are_on() {
            true => builder.traces(traces),
            false => builder,
        };
        let host = builder.start().await?;
        Ok(host.into_serving().traced_by(sending))
    })?;
    Ok(())
}
