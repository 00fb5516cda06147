//! Crashes of the real process under real requests: whatever was accepted
//! before one is there after it, once.
//!
//! `verdict` says what must hold; all else makes it hard to hold. The kill
//! moments are drawn from a seed that is printed. `cargo xtask soak` runs the
//! long form: `REFINEMENT_KILLS` is the number of kills at random moments,
//! `REFINEMENT_SEED` repeats a run as far as a clock lets it.
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
mod files;
mod flaws;
mod pauses;
mod points;
mod random;
mod store;
mod tampering;
mod unqueued;
mod user;
mod verdict;
mod world;
