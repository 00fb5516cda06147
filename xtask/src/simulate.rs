//! `cargo xtask simulate`: runs schedules of the simulation.
//!
//! A schedule is determined by its seed, so a failure can be repeated.

use crate::process;
use crate::workspace::Workspace;

/// Runs this many schedules with consecutive seeds.
pub fn run(workspace: &Workspace, seed: u64, iterations: u64) -> anyhow::Result<()> {
    let mut cargo = workspace.native_cargo(&["test", "--quiet"]);
    cargo
        .args(["--package", "concept-refinement-tests"])
        .args(["--test", "simulation", "--", "--exact", "--nocapture"])
        .arg("schedules::schedules")
        .env("REFINEMENT_SIMULATION_SEED", seed.to_string())
        .env("REFINEMENT_SIMULATION_ITERATIONS", iterations.to_string());
    process::run(&mut cargo)
}
