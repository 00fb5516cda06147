//! What the documents show works as it stands.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "allowed in tests, what they share included"
)]

mod api;
mod building;
mod documents;
mod durability;
mod embed;
mod in_process;
mod models;
mod readme;
mod shell;
