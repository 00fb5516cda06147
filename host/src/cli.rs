//! The command line.
//!
//! One file per command. An error is one sentence on standard error, and the exit
//! status says which kind it is. Standard output has only the requested output.

mod arguments;
mod audit;
mod backup;
mod check;
mod code_cache;
mod completions;
mod connection;
mod failure;
mod health;
mod man;
mod mcp;
mod model;
mod moving;
mod notify;
mod operator;
mod output;
mod process;
mod progress;
mod queue;
mod refine;
mod report;
mod restore;
mod serve;
mod settings;
mod signals;
mod source;
mod tasks;
mod terminal;
mod token;
mod usage;
mod verify;
mod vocabulary;

use std::io;
use std::process::ExitCode;

use crate::log;
use crate::wiring::HostBuilder;
use arguments::command;
use failure::Failure;

/// The whole program: parses the command line and runs the command; `prepare`
/// may change the host before it starts.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     concept_refinement_host::cli::main(|host| host)
/// }
/// ```
pub fn main(prepare: impl FnOnce(HostBuilder) -> HostBuilder) -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return explain(&error),
    };
    let done = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches, prepare),
        Some(("refine", matches)) => refine::run(matches, prepare),
        Some(("mcp", matches)) => mcp::run(matches, prepare),
        Some(("check", matches)) => check::run(matches),
        Some(("token", matches)) => token::run(matches),
        Some(("backup", matches)) => backup::run(matches),
        Some(("restore", matches)) => restore::run(matches),
        Some(("move", matches)) => moving::run(matches),
        Some(("model", matches)) => model::run(matches),
        Some(("health", matches)) => health::run(matches),
        Some(("tasks", matches)) => tasks::run(matches),
        Some(("queue", matches)) => queue::run(matches),
        Some(("verify", matches)) => verify::run(matches),
        Some(("audit", matches)) => audit::run(matches),
        Some(("usage", matches)) => usage::run(matches),
        Some(("completions", matches)) => completions::run(matches),
        Some(("man", matches)) => man::run(matches),
        Some(("vocabulary", _)) => vocabulary::run(),
        // The parser accepts no other command.
        _ => Err(Failure::usage("no such command")),
    };
    let status = match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit_code(),
    };
    log::flush();
    status
}

/// Prints the requested help, or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(unprinted) if !error.use_stderr() && unprinted.kind() != io::ErrorKind::BrokenPipe => {
            Failure::from(unprinted).exit_code()
        }
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1)),
    }
}
