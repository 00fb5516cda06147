//! The clients in TypeScript and Python: their packages, as they are given away and as
//! a checkout is installed, in each of the runtimes that they are for, against the real
//! service.

mod foreign;
mod installing;
mod packages;
mod page;
mod program;
mod scenario;

use std::path::{Path, PathBuf};

/// Where the programs are that use the clients.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shipped/clients")
}
