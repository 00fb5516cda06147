//! The web page in a real browser, as people use it: by pointer and by keyboard,
//! on a desk and on a phone, in the light and in the dark.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod axe;
mod browser;
mod docs;
mod failing;
mod hostile;
mod keyboard;
mod looks;
mod moving;
mod offline;
mod refining;
mod signing_in;
mod tab;
mod weight;
mod world;
