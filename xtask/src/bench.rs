//! `cargo xtask bench`: what the service costs, in the release profile, beside
//! the same code without wasm.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::components;
use crate::executable::{self, Profile};
use crate::process;
use crate::templates;
use crate::tools;
use crate::workspace::Workspace;

#[derive(Args, Default)]
pub struct Form {
    /// Shorter, and less precise.
    #[arg(long)]
    quick: bool,
    /// Fails if a request or a task has become more expensive than is kept in
    /// `tests/bench/guard.json`.
    #[arg(long)]
    guard: bool,
    /// Keeps what they cost now.
    #[arg(long)]
    keep: bool,
    /// Compares the service with another server of the same contract, by its
    /// URL, and measures nothing else.
    #[arg(long, value_name = "URL")]
    against: Option<OsString>,
    /// A file with a bearer token in each line, for users of the other server;
    /// anonymous sessions without.
    #[arg(long, value_name = "FILE", requires = "against")]
    users: Option<PathBuf>,
    /// The parts to measure (api, pipeline, tasks, events, memory, start,
    /// languages, stored, administration, operators, traces, postgres, upgrades, hosts, cores,
    /// platforms, size); all by default.
    parts: Vec<OsString>,
}

impl Form {
    /// Fails where something has become more expensive.
    pub fn guarded() -> Self {
        Self {
            guard: true,
            ..Self::default()
        }
    }
}

/// The executable is built first: it is what is measured.
pub fn run(workspace: &Workspace, form: &Form) -> anyhow::Result<()> {
    executable::build(workspace, Profile::Release)?;
    components::build_all(workspace)?;
    templates::build(workspace)?;
    tools::ensure_wasmtime(workspace)?;
    let bench = executable::link(workspace, Profile::Release, "concept-refinement-bench")?;
    let mut bench = workspace.command(bench);
    if let Some(spin) = tools::spin(workspace) {
        bench.env("SPIN", spin);
    }
    if let Some(url) = &form.against {
        bench.env("REFINEMENT_BENCH_AGAINST", url);
    }
    if let Some(file) = &form.users {
        bench.env("REFINEMENT_BENCH_USERS", std::path::absolute(file)?);
    }
    let flags = [
        (form.quick, "--quick"),
        (form.guard, "--guard"),
        (form.keep, "--keep"),
    ];
    let set = flags.into_iter().filter(|(is_set, _)| *is_set);
    bench.args(set.map(|(_, flag)| flag));
    process::run(bench.args(&form.parts))
}
