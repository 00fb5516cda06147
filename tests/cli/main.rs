//! The commands that do something once: `refine`, `check`, those of operators, and what
//! prints.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod check;
mod components;
mod conformance;
mod failures;
mod health;
mod mcp;
mod new_model;
mod operator;
mod outputs;
mod partly;
mod place;
mod printed;
mod printing;
mod providers;
mod refine;
mod released;
mod settings_file;
mod stopping;
mod terminal;
mod token;
mod verify;
