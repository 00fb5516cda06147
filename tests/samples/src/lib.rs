//! Sample images for tests, which no library writes.

// As in tests.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod icc;
pub mod jpeg;
