//! `cargo xtask release-check`: what needs release builds or minutes of load, before a
//! release. It is no part of the tests.

use crate::bench;
use crate::outside;
use crate::soak;
use crate::workspace::Workspace;

/// The host installed and embedded, many kills and steady load, then whether requests
/// and tasks cost what they did.
pub fn run(workspace: &Workspace, length: &soak::Length) -> anyhow::Result<()> {
    outside::check(workspace)?;
    soak::run(workspace, length)?;
    bench::run(workspace, &bench::Form::guarded())
}
