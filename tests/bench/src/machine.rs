//! Where and when it was measured, and all of it for programs.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use concept_refinement_capability::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::Form;
use crate::figures::Figure;

pub fn json(form: Form, figures: &[Figure]) -> String {
    let figures: Vec<Value> = figures.iter().map(Figure::json).collect();
    let all = json!({
        "date": SystemClock.now().to_string(),
        "commit": commit(),
        "machine": {
            "cores": available_parallelism().map(usize::from).unwrap_or(0),
            "processor": processor(),
            "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        },
        "form": form.choose("quick", "whole"),
        "figures": figures,
    });
    serde_json::to_string_pretty(&all).unwrap() + "\n"
}

/// None: this is no checkout.
fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !commit.is_empty()).then_some(commit)
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
