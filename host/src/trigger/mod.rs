//! What sets components going: HTTP requests and queue messages.

mod activity;
pub mod http;
mod instances;
pub mod sweep;
pub mod worker;

pub use instances::ApiInstances;
