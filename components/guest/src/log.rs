//! Writes a line to standard error, for the operator: never a secret, and nothing that a
//! user sent.

use std::fmt;
use std::io::Write;

/// Unlike `eprintln!`, it does not panic if standard error is closed.
pub fn warn(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
