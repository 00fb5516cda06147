//! A deterministic simulation of whole processes: the API, the pipeline and the
//! loops that ship, in virtual time, with faults at each point where a call
//! leaves a process.
//!
//! Everything follows from a seed, so whatever fails can be repeated. The stores
//! and the embedded queue are the real ones, each operation done at once. What
//! is made here only schedules, injects faults, asks as users do, and judges: an
//! oracle is told of each step as it takes effect.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a simulation that cannot go on has failed"
)]

mod each_point;
mod environment;
mod faults;
mod flaws;
mod images;
mod model;
mod oracle;
mod process;
mod queue;
mod random;
mod receiver;
mod run;
mod scheduler;
mod schedules;
mod settings;
mod source;
mod store;
mod trace;
mod user;
mod world;
