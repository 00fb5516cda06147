//! The models of providers: the real executable with each of them, against a
//! server that speaks the provider's documented format, well and badly.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod answers;
mod budgets;
mod cancelling;
mod chains;
mod comfyui;
mod failures;
mod grants;
mod kills;
mod metadata;
mod paid_once;
mod pairs;
mod partial_edits;
mod replicate;
mod requests;
mod starting;
mod trust;
mod usage;
