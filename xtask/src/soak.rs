//! `cargo xtask soak`: long tests in the release profile: many kills, and
//! minutes of load.

use std::num::NonZeroU32;

use clap::Args;

use crate::components;
use crate::executable::{self, Profile};
use crate::process;
use crate::workspace::Workspace;

/// The length of the run.
#[derive(Args)]
pub struct Length {
    /// Kills at random moments under load.
    #[arg(long, default_value = "100")]
    kills: NonZeroU32,
    /// Minutes of steady load.
    #[arg(long, default_value = "10")]
    minutes: NonZeroU32,
}

/// Crashes first, then load, so that they do not disturb each other.
pub fn run(workspace: &Workspace, length: &Length) -> anyhow::Result<()> {
    executable::build(workspace, Profile::Release)?;
    components::build_for_tests(workspace)?;
    for target in ["crashes", "soak"] {
        let mut cargo = workspace.native_cargo(&["test", "--workspace", "--release"]);
        cargo
            .args(["--test", target, "--", "--include-ignored", "--nocapture"])
            .env("REFINEMENT_KILLS", length.kills.to_string())
            .env("REFINEMENT_SOAK_MINUTES", length.minutes.to_string());
        process::run(&mut cargo)?;
    }
    Ok(())
}
