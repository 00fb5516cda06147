//! Code shared by the operators' commands: the client of the admin API, and how its
//! responses are shown.
//!
//! A response may come from a service of another version, or from another program: its size
//! is limited, missing parts are shown as missing, and no part reaches a terminal
//! unsanitized.

pub mod arguments;
pub mod client;
pub mod filter;
pub mod id;
pub mod pages;
mod refusal;
pub mod shown;
pub mod table;
mod token;
pub mod waiting;

use std::io;

use serde_json::Value;

use super::failure::Failure;
use super::terminal::{escaped, print};

/// Runs a command to its end, and does not wait for anything else: a DNS lookup may
/// hang.
pub fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}

/// Prints an answer for programs.
pub fn print_json(answer: &Value) -> io::Result<()> {
    print(escaped(&format!("{answer:#}\n")))
}
