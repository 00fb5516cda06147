//! `check`

use std::io::{self, Read as _};
use std::sync::Arc;

use clap::ArgMatches;

use super::failure::Failure;
use super::report::Report;
use super::terminal::say;
use super::{code_cache, settings};
use crate::check;
use crate::config::{Config, exposed};
use crate::wiring::Components;

/// More than any token has, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let mut report = Report::new(matches, "checks", line);
    if let Some((config, components)) = configured(matches, &mut report) {
        settings::start_log(config.log_format, "off")?;
        let runtime = tokio::runtime::Runtime::new()?;
        let found = |name: &str, result| report.add(name, result);
        let token = matches.get_flag("token").then(token).transpose()?;
        let looked = check::check(
            &config,
            components,
            token.as_deref(),
            code_cache::of_user(),
            Arc::new(say),
            found,
        );
        runtime.block_on(looked)?;
        runtime.shutdown_background();
    }
    report.end(|_, _| String::new())
}

/// From standard input, so that it is in no list of processes and no history of a shell.
fn token() -> io::Result<String> {
    let mut token = String::new();
    io::stdin()
        .lock()
        .take(MAX_TOKEN)
        .read_to_string(&mut token)?;
    Ok(token.trim().to_owned())
}

/// None: the configuration is invalid, so nothing else can be checked.
fn configured(
    matches: &ArgMatches,
    report: &mut Report,
) -> Option<(Config, anyhow::Result<Components>)> {
    let (result, read) = match settings::read(matches, None) {
        Ok((config, given)) => {
            let of_links = config.unknown_variables();
            let unknown = [given.unknown_variables.clone(), of_links]
                .concat()
                .join(", ");
            let unknown =
                (!unknown.is_empty()).then(|| format!("unknown variables are ignored: {unknown}"));
            let exposed = given.file.as_deref().and_then(exposed);
            let warnings = config.warnings();
            let more: Vec<_> = exposed.into_iter().chain(warnings).chain(unknown).collect();
            (Ok(more.join("; ")), Some((config, given)))
        }
        Err(Failure::Usage(error) | Failure::Failed(error)) => (Err(format!("{error:#}")), None),
        Err(Failure::Told | Failure::Stopped(_)) => (Err(String::new()), None),
    };
    report.add("configuration", result);
    let (config, given) = read?;
    let components = given.components(&config);
    Some((config, components))
}

fn line(name: &str, result: &Result<String, String>) -> String {
    match result {
        Ok(more) if more.is_empty() => format!("{name:14} ok\n"),
        Ok(more) => format!("{name:14} ok: {more}\n"),
        Err(problem) => format!("{name:14} {problem}\n"),
    }
}
