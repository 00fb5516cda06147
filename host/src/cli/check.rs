//! `check`

use std::{io, mem};

use clap::ArgMatches;
use serde_json::json;

use super::failure::Failure;
use super::terminal::{in_a_line, print};
use super::{code_cache, settings};
use crate::assembly::Components;
use crate::assembly::check::{self, Finding};
use crate::config::Config;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let mut report = Report {
        as_json: matches.get_flag("json"),
        findings: Vec::new(),
        printed: Ok(()),
    };
    if let Some((config, components)) = configured(matches, &mut report) {
        settings::start_log(config.log_format, "off")?;
        let runtime = tokio::runtime::Runtime::new()?;
        let looked = check::check(&config, components, code_cache::of_user(), |finding| {
            report.add(finding);
        });
        runtime.block_on(looked)?;
        runtime.shutdown_background();
    }
    report.end()
}

/// None: the configuration cannot be used, so nothing else can be checked.
fn configured(
    matches: &ArgMatches,
    report: &mut Report,
) -> Option<(Config, anyhow::Result<Components>)> {
    let given = settings::given(matches, None);
    let read = given.and_then(|given| Ok((settings::config(given.values.clone())?, given)));
    let (result, read) = match read {
        Ok((config, given)) => {
            let of_links = config.unknown_variables();
            let unknown = [given.unknown_variables.clone(), of_links]
                .concat()
                .join(", ");
            let more = match unknown.as_str() {
                "" => String::new(),
                unknown => format!("unknown variables are ignored: {unknown}"),
            };
            (Ok(more), Some((config, given.components)))
        }
        Err(Failure::Usage(error) | Failure::Failed(error)) => (Err(format!("{error:#}")), None),
        Err(Failure::Told | Failure::Stopped(_)) => (Err(String::new()), None),
    };
    report.add(Finding {
        name: "configuration",
        result,
    });
    let (config, directory) = read?;
    let components = Components::load(directory.as_deref(), &config);
    Some((config, components))
}

struct Report {
    as_json: bool,
    findings: Vec<Finding>,
    printed: io::Result<()>,
}

impl Report {
    /// Prints each line as soon as it is known.
    fn add(&mut self, Finding { name, result }: Finding) {
        let in_a_line = |sentence: String| in_a_line(&sentence);
        let result = result.map(in_a_line).map_err(in_a_line);
        let finding = Finding { name, result };
        if !self.as_json {
            let printed = print(format!("{finding}\n").as_bytes());
            self.printed = mem::replace(&mut self.printed, Ok(())).and(printed);
        }
        self.findings.push(finding);
    }

    fn end(self) -> Result<(), Failure> {
        let all_ok = self.findings.iter().all(|finding| finding.result.is_ok());
        if self.as_json {
            let checks: Vec<_> = self
                .findings
                .iter()
                .map(|Finding { name, result }| {
                    let says = result.as_ref().unwrap_or_else(|problem| problem);
                    json!({"name": name, "ok": result.is_ok(), "says": says})
                })
                .collect();
            let report = json!({"ok": all_ok, "checks": checks});
            print(format!("{report:#}\n").as_bytes())?;
        }
        self.printed?;
        if all_ok { Ok(()) } else { Err(Failure::Told) }
    }
}
