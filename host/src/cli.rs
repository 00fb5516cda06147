//! The command line: a flag for each setting, and the log.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};
use tracing_subscriber::EnvFilter;

use crate::config::table::SETTINGS;
use crate::config::{LogFormat, Values};
use crate::{Components, Config, HostBuilder, serve};

/// What `serve` was told.
struct Serve {
    values: Values,
    unknown_variables: Vec<String>,
    components: Option<PathBuf>,
}

/// The whole program: does what the command line says, with the host that
/// `prepare` makes of the configured one.
pub fn main(prepare: impl FnOnce(HostBuilder) -> HostBuilder) -> ExitCode {
    let serve = match parse() {
        Ok(serve) => serve,
        Err(exit) => return exit,
    };
    match run(serve, prepare) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("concept-refinement: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(serve: Serve, prepare: impl FnOnce(HostBuilder) -> HostBuilder) -> anyhow::Result<()> {
    let config = Config::new(serve.values)?;
    start_log(config.log_format)?;
    for variable in serve.unknown_variables {
        tracing::warn!(variable, "an unknown variable is ignored");
    }
    let components = Components::load(serve.components.as_deref(), &config.model)?;
    serve::until_stopped(prepare(HostBuilder::new(config, components)))
}

/// The command line, the environment and the file, in that order of
/// precedence. The error is what the process exits with; it has been told why.
fn parse() -> Result<Serve, ExitCode> {
    let matches = command().get_matches();
    let Some(("serve", matches)) = matches.subcommand() else {
        return Err(ExitCode::from(2));
    };
    serve(matches).map_err(|error| {
        eprintln!("concept-refinement: {error:#}");
        ExitCode::from(2)
    })
}

/// Logs to standard error, so that standard output stays for the ready line.
fn start_log(format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("REFINEMENT_LOG").unwrap_or_else(|_| {
        EnvFilter::new("warn,concept_refinement=info,concept_refinement_host=info")
    });
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("starting the log: {error}"))
}

fn command() -> Command {
    let serve = Command::new("serve")
        .about("Serves the API and processes tasks")
        .arg(
            path("config", "FILE")
                .help("Read settings from FILE [default: refinement.toml, if there]"),
        )
        .arg(path("components", "DIR").help("Run the components of DIR [default: those built in]"))
        .args(SETTINGS.iter().map(|setting| {
            let default = match setting.default {
                Some(default) if !default.is_empty() => format!(" [default: {default}]"),
                _ => String::new(),
            };
            Arg::new(setting.name)
                .long(setting.name)
                .value_name(setting.value)
                .help(format!(
                    "{}{default} [env: {}]",
                    setting.help,
                    setting.variable()
                ))
        }));
    Command::new("concept-refinement")
        .about("Refines images by a prompt")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve)
}

fn path(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .value_parser(value_parser!(PathBuf))
}

fn serve(matches: &ArgMatches) -> anyhow::Result<Serve> {
    let mut values = Values::new();
    values.set_from_file(matches.get_one::<PathBuf>("config").map(PathBuf::as_path))?;
    let unknown_variables = values.set_from_variables(variables()?);
    for setting in SETTINGS {
        if let Some(value) = matches.get_one::<String>(setting.name) {
            values.set(setting, value.as_str());
        }
    }
    Ok(Serve {
        values,
        unknown_variables,
        components: matches.get_one::<PathBuf>("components").cloned(),
    })
}

/// Those of our prefix; a value that is no text is not ignored in silence.
fn variables() -> anyhow::Result<Vec<(String, String)>> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("REFINEMENT_") && name != "REFINEMENT_LOG")
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => anyhow::bail!("the variable {name} is not valid UTF-8"),
        })
        .collect()
}
