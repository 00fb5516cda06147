//! `cargo xtask bench`: what the service costs, in the release profile, beside
//! the same code without wasm, or beside another build of the service.

mod last_release;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::compose;
use crate::executable;
use crate::process;
use crate::templates;
use crate::tools;
use crate::workspace::Workspace;

#[derive(Args, Default)]
pub struct Form {
    /// Shorter, and less precise.
    #[arg(long)]
    quick: bool,
    /// Compares requests and tasks with those of another checkout in alternating rounds, and
    /// measures nothing else. It must have been built there, by `cargo xtask build --release`
    /// and `cargo xtask components`.
    #[arg(long, value_name = "DIR")]
    beside: Option<PathBuf>,
    /// Fails if a request or a task costs more than in the last release, which is built first.
    #[arg(long, conflicts_with = "beside")]
    guard: bool,
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

    /// Whether this part is measured.
    fn measures(&self, part: &str) -> bool {
        let is_alone = self.guard || self.beside.is_some() || self.against.is_some();
        !is_alone && (self.parts.is_empty() || self.parts.iter().any(|name| name == part))
    }
}

/// What a part needs besides the executable and the components.
type Need = fn(&Workspace) -> anyhow::Result<()>;

const NEEDS: [(&str, Need); 9] = [
    ("administration", tools::ensure_postgres),
    ("operators", tools::ensure_postgres),
    ("postgres", tools::ensure_postgres),
    ("upgrades", tools::ensure_postgres),
    ("hosts", tools::ensure_postgres),
    ("hosts", tools::ensure_s3),
    ("platforms", tools::ensure_wasmtime),
    ("platforms", compose::for_tests),
    ("languages", templates::build),
];

/// Builds the executable, which is what is measured, and the benchmark, and finds or makes all
/// that is needed before anything is measured.
pub fn run(workspace: &Workspace, form: &Form) -> anyhow::Result<()> {
    let bench = executable::bench(workspace)?;
    for (part, need) in NEEDS {
        if form.measures(part) {
            need(workspace)?;
        }
    }
    let mut bench = workspace.native_command(&bench);
    if let Some(spin) = tools::spin(workspace) {
        bench.env("SPIN", spin);
    }
    if let Some(url) = &form.against {
        bench.env("REFINEMENT_BENCH_AGAINST", url);
    }
    if let Some(file) = &form.users {
        bench.env("REFINEMENT_BENCH_USERS", std::path::absolute(file)?);
    }
    let other = match form.guard {
        true => Some(last_release::build(workspace)?),
        false => form.beside.as_ref().map(std::path::absolute).transpose()?,
    };
    if let Some(checkout) = other {
        bench.env("REFINEMENT_BENCH_BESIDE", checkout.join("target"));
    }
    bench.args(form.quick.then_some("--quick"));
    bench.args(form.guard.then_some("--guard"));
    process::run(bench.args(&form.parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_measured_is_needed() {
        let all = Form::default();
        let some = Form {
            parts: vec!["api".into()],
            ..Form::default()
        };
        for (part, _) in NEEDS {
            assert!(all.measures(part), "{part}");
            assert!(!some.measures(part), "{part}");
            assert!(!Form::guarded().measures(part), "{part}");
        }
        assert!(some.measures("api"));
    }
}
