//! Inbound HTTP: hands each request to an instance of the API component.

mod activity;
mod failure;
mod handler;
pub mod http;
mod instances;
pub mod networks;
mod patience;

pub use handler::Handler;
pub use instances::ApiInstances;
