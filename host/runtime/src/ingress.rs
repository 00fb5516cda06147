//! Inbound HTTP: hands each request to an instance of the API component.

mod activity;
mod failure;
mod handler;
pub mod http;
mod instances;
mod long_poll;
pub mod networks;

pub use handler::Handler;
pub use instances::ApiInstances;
