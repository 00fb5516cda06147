//! `cargo xtask bench`: what the service costs, in the release profile, beside
//! the same code without wasm.

use std::ffi::OsString;

use clap::Args;

use crate::components;
use crate::executable::{self, Profile};
use crate::process;
use crate::workspace::Workspace;

#[derive(Args)]
pub struct Form {
    /// Shorter, and less precise.
    #[arg(long)]
    quick: bool,
    /// The parts to measure (api, pipeline, tasks, events, memory, start,
    /// size); all by default.
    parts: Vec<OsString>,
}

/// The executable is built first: it is what is measured.
pub fn run(workspace: &Workspace, form: &Form) -> anyhow::Result<()> {
    executable::build(workspace, Profile::Release)?;
    components::build_for_tests(workspace)?;
    let mut cargo = workspace.native_cargo(&["test", "--workspace", "--release"]);
    cargo.args(["--test", "bench", "--"]);
    if form.quick {
        cargo.arg("--quick");
    }
    process::run(cargo.args(&form.parts))
}
