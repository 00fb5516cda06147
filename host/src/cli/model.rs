//! `model new NAME` and `model test MODEL`

mod new;
pub(super) mod templates;

use std::sync::Arc;

use clap::ArgMatches;
use concept_refinement_domain::chain;

use super::failure::Failure;
use super::report::Report;
use super::terminal::say;
use super::{code_cache, settings};
use crate::config::table::Command;
use crate::wiring::conformance;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("new", matches)) => new::run(matches),
        Some(("test", matches)) => test(matches),
        // The parser accepts no other command.
        _ => Err(Failure::usage("no such command")),
    }
}

fn test(matches: &ArgMatches) -> Result<(), Failure> {
    let mut given = settings::given(matches, Some(Command::TestModel))?;
    if let Some(model) = matches.get_one::<String>("model-to-test") {
        given.values.set_by_name("model", model);
        // The file may be that of a service, whose model has other links.
        if let Ok(chain) = chain::parse(model) {
            let links = chain.links();
            let names: Vec<&str> = links.iter().map(|link| link.name()).collect();
            given.values.links.keep(&names);
        }
    }
    let config = settings::config(std::mem::take(&mut given.values))?;
    settings::start_log(config.log_format, "off")?;
    let components = given.components(&config).map_err(Failure::Usage)?;
    let mut report = Report::new(matches, "promises", line);
    let runtime = tokio::runtime::Runtime::new()?;
    let found = |name: &str, result, printed: &[String]| report.add_with(name, result, printed);
    let (cache, tell) = (code_cache::of_user(), Arc::new(say));
    let tested = conformance::test(&config, &components, cache, tell, found);
    runtime.block_on(tested)?;
    runtime.shutdown_background();
    report.end(|kept, all| format!("{kept} of {all} promises hold\n"))
}

fn line(name: &str, result: &Result<String, String>) -> String {
    match result {
        Ok(more) => format!("{name:34} ok: {more}\n"),
        Err(problem) => format!("{name:34} FAILED: {problem}\n"),
    }
}
