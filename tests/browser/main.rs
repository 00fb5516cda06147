//! The web page in a real browser: by pointer and keyboard, on a desktop and a
//! phone, in light and dark mode.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod admin;
mod axe;
mod browser;
mod client;
mod docs;
mod failing;
mod hostile;
mod keyboard;
mod looks;
mod moving;
mod offline;
mod partly;
mod provenance;
mod refining;
mod signing_in;
mod tab;
mod versions;
mod visiting;
mod weight;
mod world;
