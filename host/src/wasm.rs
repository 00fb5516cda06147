//! How components are run: compiled, cached, given their imports, and bounded.
//! It must know no capability's backend.

pub mod bindings;
pub mod engine;
pub mod linker;
pub mod processor;
pub mod sandbox;
pub mod stream;
