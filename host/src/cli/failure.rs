//! Errors of commands, and their exit statuses.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use super::terminal::say_at_the_end;
use crate::wiring::HostError;

/// Why a command failed.
pub enum Failure {
    /// The command line or a setting cannot be used.
    Usage(anyhow::Error),
    Failed(anyhow::Error),
    /// It failed and has already printed the reason.
    Told,
    /// A signal of this number stopped it.
    Stopped(i32),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Failure {
    /// With this sentence, why the command line or a setting cannot be used.
    pub fn usage(sentence: impl Display) -> Self {
        Self::Usage(anyhow::anyhow!("{sentence}"))
    }

    /// Prints what has not been printed yet to standard error, and returns the exit
    /// status.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                say_at_the_end(format!("{error:#}"));
                ExitCode::from(2)
            }
            Self::Failed(error) => {
                say_at_the_end(format!("{error:#}"));
                ExitCode::FAILURE
            }
            Self::Told => ExitCode::FAILURE,
            Self::Stopped(signal) => {
                ExitCode::from(u8::try_from(signal).unwrap_or_default().saturating_add(128))
            }
        }
    }
}
