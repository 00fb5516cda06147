//! The clients in TypeScript and Python: their packages, as they are given away and as
//! a checkout is installed, in each of the runtimes that they are for, against the real
//! service.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod installing;
mod packages;
mod page;
mod program;
mod scenario;
