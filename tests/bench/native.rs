//! The same code without wasm: the API behind a native server, the pipeline on a
//! native worker, both over the host's own stores.

mod api;
pub mod pipeline;
mod server;

pub use server::{TWIN, serve};
