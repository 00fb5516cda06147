//! `move --from DIR --to TASKS IMAGES`

use std::path::PathBuf;

use clap::ArgMatches;
use concept_refinement_domain::capability::{CapabilityError, ErrorKind};

use super::failure::Failure;
use super::settings;
use super::terminal::{print, say};
use crate::backup::summary;
use crate::config::is_url;
use crate::config::table::Command;
use crate::moving::move_stores;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let given = settings::given(matches, Some(Command::Move))?;
    let mut source = given.values.clone();
    let mut target = given.values;
    let from = matches.get_one::<PathBuf>("from");
    let from = from.map(|from| from.to_string_lossy()).unwrap_or_default();
    if is_url(&from) {
        let problem = "--from must be a data directory, not a URL: nothing is moved out of \
                       Postgres or a bucket";
        return Err(Failure::usage(problem));
    }
    source.set_by_name("data-dir", from);
    let engines = matches.get_many::<String>("to").into_iter().flatten();
    for (name, engine) in ["tasks", "images"].into_iter().zip(engines) {
        target.set_by_name(name, engine);
    }
    let (source, target) = (settings::config(source)?, settings::config(target)?);
    settings::start_log(target.log_format, "warn")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let report = |step: &str| {
        // The move continues even if nobody reads the report.
        let _ = print(format!("{step}\n"));
    };
    let moved = runtime.block_on(move_stores(&source, &target, report));
    let moved = moved.map_err(with_advice)?;
    if let Some(missing) = &moved.missing {
        say(missing);
    }
    Ok(print(format!("moved: {}\n", summary(&moved.counts)))?)
}

/// Says what to do about a store that cannot be used for the time being.
fn with_advice(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<CapabilityError>() {
        Some(told) if told.kind != ErrorKind::Invalid => {
            error.context("the move has to be made once more")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_move_that_a_repeat_can_end_says_so() {
        let away = || CapabilityError::unavailable("It is away.");
        for (error, expected) in [
            (
                away().into(),
                "the move has to be made once more: It is away.",
            ),
            (
                anyhow::Error::from(away()).context("storing it"),
                "the move has to be made once more: storing it: It is away.",
            ),
            (CapabilityError::invalid("It is odd.").into(), "It is odd."),
            (anyhow!("it is not empty"), "it is not empty"),
        ] {
            assert_eq!(format!("{:#}", with_advice(error)), expected);
        }
    }
}
