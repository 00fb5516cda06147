//! HTTP in: each request is handed to an instance of the API component.

mod activity;
mod door;
mod handler;
pub mod http;
mod instances;
mod patience;
mod wasi_http;

pub use door::Door;
pub use instances::ApiInstances;
