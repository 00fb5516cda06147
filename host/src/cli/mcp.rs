//! `mcp`

use std::path::PathBuf;

use clap::ArgMatches;

use super::failure::Failure;
use super::signals::Signals;
use super::terminal::say;
use super::{code_cache, settings};
use crate::config::table::Command;
use crate::mcp::{Allowed, RefineImage, serve};
use crate::wiring::HostBuilder;

/// The default log level: why a call failed, its answer says.
const LOGGED: &str = "error";

pub fn run(
    matches: &ArgMatches,
    prepare: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Result<(), Failure> {
    let (config, given) = settings::begin(matches, Some(Command::Refine), LOGGED)?;
    let folders = matches.get_many::<PathBuf>("allow").unwrap_or_default();
    let allowed = Allowed::new(folders.cloned())
        .map_err(|error| Failure::usage(format!("--allow: {error}")))?;
    if allowed.is_empty() {
        say("no result can be written, since this runs in /: name a folder with --allow");
    }
    let components = given.components(&config).map_err(Failure::Usage)?;
    let tool = RefineImage::new(&config, allowed);
    let builder = prepare(HostBuilder::new(config).components(components)).on_compiling(say);

    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let refiner = builder.refiner(code_cache::of_user());
        tokio::select! {
            served = serve(tool, refiner, tokio::io::stdin(), tokio::io::stdout()) => {
                served.map_err(Failure::from)
            }
            signal = signals.next() => Err(Failure::Stopped(signal.as_raw_value())),
        }
    });
    // A thread that waits for standard input is abandoned.
    runtime.shutdown_background();
    served
}
