//! What is given away, beside the executable: components, all that deploys them,
//! documents and clients.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod clients;
mod components;
mod deploying;
mod docs;
