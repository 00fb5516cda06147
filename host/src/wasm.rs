//! Runs components: compiles and caches them, links their imports, bounds their
//! resources. Knows no backend.

pub mod bindings;
pub mod bounds;
pub mod engine;
pub mod idle_memory;
pub mod linker;
pub mod notifier;
pub mod placed;
pub mod processor;
pub mod sandbox;
pub mod shortened;
pub mod stream;
