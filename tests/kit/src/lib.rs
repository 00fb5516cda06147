//! What tests are built on: stores in memory that are simple enough to be
//! obviously right. They know nothing of engines, components or clocks.

pub mod samples;
pub mod store;
