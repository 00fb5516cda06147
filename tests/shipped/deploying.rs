//! What is deployed: containers, a unit of systemd, a Debian package; where our host is
//! not, the manifest of Spin and the composed components; the directory that is given
//! away.

mod built;
mod containers;
mod dist;
mod documented;
mod fleet;
mod kubernetes;
mod manifest;
mod monitoring;
mod package;
mod unit;

use std::path::{Path, PathBuf};

/// Where the project is.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
