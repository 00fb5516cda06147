//! `cargo xtask simulate`: as many schedules of the simulation as one likes.
//!
//! A schedule follows from its seed, so one that failed is repeated by it.

use crate::process;
use crate::workspace::Workspace;

/// Runs so many schedules, the first of this seed, the next of the next one.
pub fn run(workspace: &Workspace, seed: u64, iterations: u64) -> anyhow::Result<()> {
    let mut cargo = workspace.native_cargo(&[
        "test",
        "--quiet",
        "--package",
        "concept-refinement-tests",
        "--test",
        "simulation",
        "--",
        "--exact",
        "--nocapture",
        "schedules::schedules",
    ]);
    cargo
        .env("REFINEMENT_SIMULATION_SEED", seed.to_string())
        .env("REFINEMENT_SIMULATION_ITERATIONS", iterations.to_string());
    process::run(&mut cargo)
}
