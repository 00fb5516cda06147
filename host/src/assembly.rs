//! Puts the parts together: a host that serves, a refiner without a service, a
//! composed component, and the check of a configuration.

pub mod check;
pub mod composed;
pub mod host;
mod pipeline;
pub mod refiner;
mod secret;
pub(crate) mod serve;
pub mod serving;
