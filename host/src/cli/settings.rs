//! Settings on the command line: a flag for each, and the other sources.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Arg, ArgMatches, value_parser};
use console::Term;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::option;
use super::completions::Suggested;
use super::failure::Failure;
use super::terminal::say;
use crate::config::table::{Command, SETTINGS, Setting, words};
use crate::config::{Config, ConfigError, LogFormat, MACHINE_FILE, Values, is_url, shipped_models};
use crate::log::{self, LibraryThrottle};
use crate::wiring::{Components, HostError};

/// Selects what is logged; not a setting.
const LOG: &str = "REFINEMENT_LOG";

/// The settings and files that a command was given.
pub struct Sources {
    pub values: Values,
    /// None: there is no settings file.
    pub file: Option<PathBuf>,
    pub unknown_variables: Vec<String>,
    /// None: the embedded components.
    components: Option<PathBuf>,
}

impl Sources {
    /// The components to run.
    ///
    /// # Errors
    ///
    /// A setting or the flag `--components` names what cannot be read.
    pub fn components(&self, config: &Config) -> anyhow::Result<Components> {
        let directory = self.components.as_deref();
        Components::load(directory, config).map_err(|error| match error {
            HostError::Components(error) if directory.is_some() => error.context("--components"),
            error => error.into(),
        })
    }
}

/// The flags for the settings file and the components directory.
pub fn sources() -> [Arg; 2] {
    [
        path("config", "FILE").help(
            "Read settings from FILE [default: refinement.toml, here or in \
             /etc/concept-refinement]",
        ),
        path("components", "DIR").help("Run the components of DIR [default: those built in]"),
    ]
}

/// The flags of a command. None: those of the service.
pub fn flags(command: Option<Command>) -> impl Iterator<Item = Arg> {
    wanted(command).map(|setting| {
        let default = match setting.default {
            Some(default) if !default.is_empty() => format!(" [default: {default}]"),
            _ => String::new(),
        };
        let (help, variable) = (setting.help(), setting.variable());
        let arg = option(setting.name, setting.value)
            .help_heading(setting.heading)
            .help(format!("{help}{default} [env: {variable}]"));
        let words = suggested(setting.name);
        match words.is_empty() {
            true => arg,
            false => arg
                .value_parser(Suggested(words))
                .hide_possible_values(true),
        }
    })
}

/// The words that completions offer for a setting's value.
fn suggested(setting: &str) -> Vec<&'static str> {
    match setting {
        "model" => shipped_models().collect(),
        other => words(other).to_vec(),
    }
}

fn wanted(command: Option<Command>) -> impl Iterator<Item = &'static Setting> {
    SETTINGS
        .iter()
        .filter(move |setting| setting.concerns(command))
}

/// Reads flags, variables and the file, in that order of precedence. Settings
/// that the command does not use keep their defaults.
pub fn given(matches: &ArgMatches, command: Option<Command>) -> Result<Sources, Failure> {
    let mut found = Values::new();
    let named = matches.get_one::<PathBuf>("config").map(PathBuf::as_path);
    let file = found.set_from_file(named).map_err(usage)?;
    let may_cost = matches!(command, Some(Command::Refine | Command::TestModel));
    if may_cost && named.is_none() && file.as_deref() == Some(Path::new(MACHINE_FILE)) {
        say(&format!("the settings are those of {MACHINE_FILE}"));
    }
    let unknown_variables = found.set_from_variables(variables()?);
    let mut values = Values::new();
    for setting in wanted(command) {
        values.set_as_in(&found, setting);
        if let Some(value) = matches.get_one::<String>(setting.name) {
            values.set_named(setting, value, Some(format!("--{}", setting.name)));
        }
    }
    let is_told_model = wanted(command).any(|setting| setting.name == "model");
    // Its model is no setting but its argument.
    if is_told_model || command == Some(Command::TestModel) {
        values.links = found.links.clone();
    }
    if wanted(command).any(|setting| setting.name == "plan") {
        values.plans = found.plans.clone();
    }
    Ok(Sources {
        values,
        file,
        unknown_variables,
        components: matches.get_one::<PathBuf>("components").cloned(),
    })
}

/// The configuration of a command, with where its settings come from.
pub fn read(matches: &ArgMatches, command: Option<Command>) -> Result<(Config, Sources), Failure> {
    let given = given(matches, command)?;
    Ok((config(given.values.clone())?, given))
}

/// The same for a command that logs. `by_default`: what is logged.
pub fn begin(
    matches: &ArgMatches,
    command: Option<Command>,
    by_default: &str,
) -> Result<(Config, Sources), Failure> {
    let (config, given) = read(matches, command)?;
    start_log(config.log_format, by_default)?;
    Ok((config, given))
}

pub fn config(values: Values) -> Result<Config, Failure> {
    Config::new(values).map_err(usage)
}

fn usage(error: ConfigError) -> Failure {
    Failure::Usage(error.into())
}

/// Whether more than the default is logged.
pub fn is_verbose() -> bool {
    std::env::var_os(LOG).is_some_and(|filter| !filter.is_empty())
}

/// Logs to standard error, since standard output is for the requested output.
pub fn start_log(format: LogFormat, by_default: &str) -> Result<(), Failure> {
    let filter = std::env::var(LOG).unwrap_or_else(|_| by_default.to_owned());
    let filter = EnvFilter::try_new(filter);
    let filter = filter.map_err(|error| Failure::usage(format!("{LOG}: {error}")))?;
    let writer = log::writer().context("starting the log")?;
    let writer = move || writer.clone();
    let log = tracing_subscriber::registry().with(filter);
    // Errors of the logger would otherwise be printed, with a panic if that fails.
    let started = match format {
        LogFormat::Text => {
            let text = tracing_subscriber::fmt::layer()
                .with_ansi(Term::stderr().features().colors_supported())
                .log_internal_errors(false)
                .with_writer(writer);
            log.with(text).with(LibraryThrottle::default()).try_init()
        }
        LogFormat::Json => {
            let json = json_subscriber::layer()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .flatten_span_list_on_top_level(true)
                .log_internal_errors(false)
                .with_writer(writer);
            log.with(json).with(LibraryThrottle::default()).try_init()
        }
    };
    Ok(started.map_err(|error| anyhow!("starting the log: {error}"))?)
}

/// The directory that a command is given, or `-`.
pub fn directory(matches: &ArgMatches) -> Result<&Path, Failure> {
    let given = matches.get_one::<PathBuf>("directory");
    let given = given.map_or(Path::new("-"), PathBuf::as_path);
    match is_url(&given.to_string_lossy()) {
        true => Err(Failure::usage("DIR must be a directory, not a URL")),
        false => Ok(given),
    }
}

fn path(name: &'static str, value: &'static str) -> Arg {
    option(name, value).value_parser(value_parser!(PathBuf))
}

/// The variables with our prefix. A value that is not Unicode is an error.
fn variables() -> Result<Vec<(String, String)>, Failure> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("REFINEMENT_") && name != LOG)
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Failure::usage(format!(
                "the variable {name} is not valid UTF-8"
            ))),
        })
        .collect()
}
