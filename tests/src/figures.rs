//! Figures that a run shows, whether it fails or not.

use std::io::{self, Write as _};

/// Not by `println!`, which is shown for a failure only.
pub fn show(line: &str) {
    let mut shown = io::stderr();
    writeln!(shown, "{line}").unwrap();
}
