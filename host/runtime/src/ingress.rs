//! Inbound HTTP: hands each request to an instance of the API component.

mod activity;
mod failure;
mod handler;
pub mod http;
mod in_process;
mod instances;
mod long_poll;
pub mod networks;

pub use failure::Failure;
pub use handler::Handler;
pub use in_process::InProcess;
pub use instances::ApiInstances;
