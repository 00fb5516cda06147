//! The command line.
//!
//! Each command is one file. What goes wrong is one sentence on standard error,
//! and the exit status says of which kind it is. Standard output is for what was
//! asked for, and nothing else.

mod arguments;
mod check;
mod code_cache;
mod completions;
mod failure;
mod man;
mod output;
mod process;
mod progress;
mod refine;
mod serve;
mod settings;
mod signals;
mod source;
mod terminal;
mod vocabulary;

use std::process::ExitCode;

use crate::assembly::HostBuilder;
use arguments::command;
use failure::Failure;

/// The whole program: does what the command line says, with the host that
/// `prepare` makes of the configured one.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     concept_refinement_host::cli::main(|host| host)
/// }
/// ```
pub fn main(prepare: impl FnOnce(HostBuilder) -> HostBuilder) -> ExitCode {
    let matches = command().get_matches();
    let done = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches, prepare),
        Some(("refine", matches)) => refine::run(matches, prepare),
        Some(("check", matches)) => check::run(matches),
        Some(("completions", matches)) => completions::run(matches),
        Some(("man", matches)) => man::run(matches),
        Some(("vocabulary", _)) => vocabulary::run(),
        // The parser lets nothing else pass.
        _ => Err(Failure::Usage(anyhow::anyhow!("no such command"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit_code(),
    }
}
