//! `model test MODEL`

use std::{io, mem};

use clap::ArgMatches;
use serde_json::json;

use super::failure::Failure;
use super::terminal::{in_a_line, print};
use super::{code_cache, settings};
use crate::assembly::Components;
use crate::assembly::conformance::{self, Promise};
use crate::config::table::{self, Command};

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("test", matches)) => test(matches),
        // The parser accepts no other command.
        _ => Err(Failure::Usage(anyhow::anyhow!("no such command"))),
    }
}

fn test(matches: &ArgMatches) -> Result<(), Failure> {
    let mut given = settings::given(matches, Some(Command::TestModel))?;
    let model = matches.get_one::<String>("model-to-test");
    if let (Some(model), Some(setting)) = (model, table::find("model")) {
        given.values.set(setting, model.as_str());
    }
    let config = settings::config(given.values)?;
    settings::start_log(config.log_format, "off")?;
    let components = Components::load(given.components.as_deref(), &config)?;
    let mut report = Report {
        as_json: matches.get_flag("json"),
        promises: Vec::new(),
        printed: Ok(()),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let tested = conformance::test(&config, &components, code_cache::of_user(), |promise| {
        report.add(promise);
    });
    runtime.block_on(tested)?;
    runtime.shutdown_background();
    report.end()
}

struct Report {
    as_json: bool,
    promises: Vec<Promise>,
    printed: io::Result<()>,
}

impl Report {
    /// Prints each line as soon as it is known.
    fn add(&mut self, Promise { name, result }: Promise) {
        let result = result
            .map(|more| in_a_line(&more))
            .map_err(|problem| in_a_line(&problem));
        let line = match &result {
            Ok(more) => format!("{name:34} ok: {more}\n"),
            Err(problem) => format!("{name:34} FAILED: {problem}\n"),
        };
        if !self.as_json {
            let printed = print(line.as_bytes());
            self.printed = mem::replace(&mut self.printed, Ok(())).and(printed);
        }
        self.promises.push(Promise { name, result });
    }

    fn end(self) -> Result<(), Failure> {
        let broken = self
            .promises
            .iter()
            .filter(|promise| promise.result.is_err());
        let broken = broken.count();
        match self.as_json {
            true => {
                let promises: Vec<_> = self
                    .promises
                    .iter()
                    .map(|Promise { name, result }| {
                        let says = result.as_ref().unwrap_or_else(|problem| problem);
                        json!({"name": name, "ok": result.is_ok(), "says": says})
                    })
                    .collect();
                let report = json!({"ok": broken == 0, "promises": promises});
                print(format!("{report:#}\n").as_bytes())?;
            }
            false => {
                let all = self.promises.len();
                let kept = all - broken;
                print(format!("{kept} of {all} promises hold\n").as_bytes())?;
            }
        }
        self.printed?;
        if broken == 0 {
            Ok(())
        } else {
            Err(Failure::Told)
        }
    }
}
