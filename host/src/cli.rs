//! The command line.
//!
//! Each command is one file. What goes wrong is one sentence on standard error,
//! and the exit status says of which kind it is. Standard output is for what was
//! asked for, and nothing else.

mod arguments;
mod check;
mod completions;
mod man;
mod output;
mod progress;
mod refine;
mod serve;
mod settings;
mod source;
mod vocabulary;

use std::io::{self, Write as _};
use std::process::ExitCode;

use concept_refinement_domain::sentence::sanitize;

use crate::HostBuilder;

pub use arguments::command;

/// Of a sentence, in code points.
const LONGEST: usize = 1_500;

/// What the exit status says, as the help has it.
const STATUSES: &str = "Exit status: 0, it is done; 1, it failed; 2, the command line or a setting \
     cannot be used; 128 and a signal's number, the signal stopped it.";

/// Why a command did not do what it was to do.
enum Failure {
    /// The command line or a setting cannot be used.
    Usage(anyhow::Error),
    Failed(anyhow::Error),
    /// It failed, and has said so.
    Told,
    /// A signal of this number stopped it.
    Stopped(i32),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The whole program: does what the command line says, with the host that
/// `prepare` makes of the configured one.
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
        Err(Failure::Usage(error)) => {
            say(&format!("{error:#}"));
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Stopped(signal)) => {
            ExitCode::from(u8::try_from(signal).unwrap_or_default().saturating_add(128))
        }
    }
}

/// On standard error; that nobody reads it is no fault.
fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "concept-refinement: {}", in_a_line(sentence));
}

/// What is said may quote what comes from elsewhere.
fn in_a_line(sentence: &str) -> String {
    let words: Vec<_> = sentence.split_whitespace().collect();
    sanitize(&words.join(" "), LONGEST)
}

/// On standard output. Whoever reads only the beginning has what they want.
fn print(text: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
