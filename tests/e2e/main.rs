//! End to end: the real executable, through its doors alone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod answers;
mod auth;
mod browser;
mod compiled;
mod conflict;
mod crashes;
mod cycle;
mod deleting;
mod fairness;
mod forbidden;
mod health;
mod http;
mod idempotency;
mod images;
mod isolation;
mod large;
mod lists;
mod logs;
mod models;
mod originals;
mod overload;
mod rebinding;
mod refusals;
mod restart;
mod retention;
mod settings;
mod shape;
mod shared;
mod stopping;
mod time;
mod uploads;
