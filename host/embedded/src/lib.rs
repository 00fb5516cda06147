//! Engines for one process on one machine: tasks and concepts in SQLite, a queue in
//! memory over their rows, images in files, and images in memory for hosts that need not
//! keep them. Nothing has to be installed.
//!
//! They depend on the contracts and the domain, and must never see WIT, wasmtime or
//! another engine, or read the system's clock.

pub mod images;
pub mod memory;
pub mod queue;
mod sqlite;
pub mod tasks;
