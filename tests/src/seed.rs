//! The chance that a run goes by.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// Printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("REFINEMENT_SEED", u64::from(now.subsec_nanos()));
    println!("REFINEMENT_SEED={seed}");
    seed
}

/// Of a variable, where it is set.
pub fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}"))
    })
}
