//! Builds the product from its parts: a host that serves, a refiner without a
//! service, and the check of a configuration.
//!
//! Each part is made in one place here, whoever needs it: compiled code
//! ([`compiled`]), stores ([`capabilities`]), what a component may ask for and
//! is told ([`grants`]), the API ([`api`]), the pipeline ([`pipeline`]). The
//! three only say which parts they have, and in which order.

mod api;
pub(crate) mod backup;
mod builder;
pub(crate) mod capabilities;
pub(crate) mod check;
mod compiled;
mod components;
pub(crate) mod conformance;
pub(crate) mod control;
pub(crate) mod engines;
mod error;
mod grants;
mod host;
mod monitoring;
pub(crate) mod moving;
mod pipeline;
mod push;
pub(crate) mod refiner;
mod secret;
mod serving;
mod webhooks;

pub use builder::HostBuilder;
pub use components::Components;
pub use error::HostError;
pub use host::Host;
pub use refiner::Refiner;
pub use serving::Serving;
