//! `cargo xtask`: builds, serves and tests the whole product.
//!
//! It calls cargo and tools in the right order and with the same settings, so
//! that nothing is built twice. It must stay small, since it is compiled before
//! everything else, and it depends on nothing that it builds.

mod bench;
mod clients;
mod components;
mod compose;
mod dependencies;
mod dist;
mod executable;
mod metadata;
mod outside;
mod package;
mod process;
mod release_check;
mod reproducible;
mod simulate;
mod soak;
mod templates;
mod test;
mod tools;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::executable::Profile;
use crate::workspace::Workspace;

/// Builds, serves and tests the whole product.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the executable with the components in it.
    Build {
        /// For use rather than for work on it.
        #[arg(long)]
        release: bool,
    },
    /// Builds all and serves it: `concept-refinement serve` with ARGS.
    Serve {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Tests what proves the embedded product; with ARGS only `cargo test ARGS`.
    Test {
        /// Everything: lints, documentation, dependencies, browsers, clients, languages,
        /// engines and platforms besides.
        #[arg(long, conflicts_with = "args")]
        all: bool,
        /// A part of the names of the tests to run, and other arguments of
        /// `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Runs schedules of the simulation, each drawn from its seed.
    Simulate {
        /// Of the first schedule; the next is of the next seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 10_000)]
        iterations: u64,
    },
    /// Tests what takes long: crashes and load, in the release profile.
    Soak(soak::Length),
    /// What a release has to pass besides: components that are the same wherever they
    /// are built, a Debian package that works, the host from outside this workspace,
    /// `soak`, then `bench --guard`.
    ReleaseCheck(soak::Length),
    /// Measures what the service costs, beside the same code without wasm.
    Bench(bench::Form),
    /// Installs what the tests use: servers, a browser, tools of other languages.
    Tools,
    /// Builds the components alone, composed ones and those of the tests
    /// included.
    Components,
    /// Builds the components and composes them for Spin and for `wasmtime
    /// serve`, each into one.
    Compose(compose::Choice),
    /// Makes `dist/`: all that is to be given away, a Debian package among it, with
    /// checksums and a list of what is in it.
    Dist(dist::Form),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build { release: true } => executable::build(&workspace, Profile::Release),
        Task::Build { release: false } => executable::build(&workspace, Profile::Dev),
        Task::Serve { args } => executable::serve(&workspace, &args),
        Task::Test { all: true, .. } => test::everything(&workspace),
        Task::Test { args, .. } if args.is_empty() => test::embedded(&workspace),
        Task::Test { args, .. } => test::some(&workspace, &args),
        Task::Simulate { seed, iterations } => simulate::run(&workspace, seed, iterations),
        Task::ReleaseCheck(length) => release_check::run(&workspace, &length),
        Task::Bench(form) => bench::run(&workspace, &form),
        Task::Soak(length) => soak::run(&workspace, &length),
        Task::Tools => tools::ensure_all(&workspace),
        Task::Components => {
            components::build_all(&workspace)?;
            compose::for_tests(&workspace)
        }
        Task::Compose(choice) => compose::run(&workspace, &choice),
        Task::Dist(form) => dist::run(&workspace, &form),
    }
}
