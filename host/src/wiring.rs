//! Builds the product from its parts: a host that serves, a refiner without a service,
//! and the check of a configuration.
//!
//! Each part is made in one place for all three: compiled code ([`compiled`]), stores
//! ([`capabilities`]), the permissions and settings of components ([`grants`]), the API
//! ([`api`]), the pipeline ([`pipeline`]). The three only choose their parts and the
//! order.

mod api;
mod builder;
pub(crate) mod capabilities;
pub(crate) mod compiled;
pub(crate) mod components;
pub(crate) mod conformance;
pub(crate) mod control;
pub(crate) mod engines;
mod error;
pub(crate) mod grants;
mod host;
mod losses;
pub(crate) mod pipeline;
pub(crate) mod push;
pub(crate) mod refiner;
pub(crate) mod secret;
mod serving;

pub use builder::HostBuilder;
pub use components::Components;
pub use error::HostError;
pub use host::Host;
pub use refiner::Refiner;
pub use serving::Serving;
