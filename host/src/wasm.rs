//! How components are run: compiled, cached, given their imports, and bounded.
//! It must know no capability's backend.

pub mod bindings;
pub(crate) mod code_cache;
pub mod components;
pub(crate) mod engine;
pub(crate) mod processor;
pub(crate) mod sandbox;
pub(crate) mod stream;
