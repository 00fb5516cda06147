//! A deterministic simulation of stores, queue and workers: the real pipeline
//! over simulated ports, in virtual time, with faults at each point where a
//! call leaves a process.
//!
//! Everything follows from a seed, so whatever fails can be repeated. The task
//! store is the real one, each operation done at once; all around it is made
//! here. Judged is by an oracle that is told of each step as it takes effect.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a simulation that cannot go on has failed"
)]

mod api;
mod each_point;
mod faults;
mod flaws;
mod images;
mod model;
mod oracle;
mod ports;
mod process;
mod queue;
mod random;
mod run;
mod scheduler;
mod schedules;
mod settings;
mod source;
mod store;
mod sweep;
mod trace;
mod user;
mod worker;
mod world;
