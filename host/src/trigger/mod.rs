//! What sets components going: HTTP requests and queue messages; and what goes
//! on beside them.

mod activity;
#[cfg(test)]
pub(crate) mod fakes;
pub mod garbage;
pub mod http;
mod instances;
pub mod sweep;
pub mod unreleased;
pub mod worker;

pub use instances::ApiInstances;
