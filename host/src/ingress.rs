//! HTTP in: each request is handed to an instance of the API component.

mod activity;
pub mod http;
mod instances;

pub use instances::ApiInstances;
