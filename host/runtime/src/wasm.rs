//! Runs components: compiles and caches them, links their imports, limits their
//! resources. Knows no backend.

pub mod bindings;
pub mod bounds;
pub mod engine;
pub mod linker;
pub mod notifier;
pub mod processor;
pub mod sandbox;
pub mod stream;
