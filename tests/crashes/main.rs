//! Crashes of the real process under real requests: whatever was accepted
//! before a crash is done exactly once after it.
//!
//! `verdict` checks what must hold; everything else provokes failures. Kill
//! times are drawn from a printed seed. `cargo xtask soak` runs the long form:
//! `REFINEMENT_KILLS` is the number of kills at random times, `REFINEMENT_SEED`
//! repeats a run as far as real time allows.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod acts;
mod clock;
mod crowd;
mod disk;
mod files;
mod flaws;
mod fleet;
mod fleet_flaws;
mod hosts;
mod journal;
mod outages;
mod pauses;
mod points;
mod random;
mod shared;
mod sqlite;
mod stores;
mod tampering;
mod unqueued;
mod upgrades;
mod user;
mod verdict;
mod world;
