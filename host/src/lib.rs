//! The host of concept refinement: it runs the `api`, `processor` and model
//! components on wasmtime and plugs their capabilities in.
//!
//! Whoever embeds it starts with a [`HostBuilder`]. The components see the
//! interfaces of `wit/` and nothing else; each gets only what it is granted. A
//! backend of a capability ([`capability`]) speaks domain words and never sees
//! WIT; a trigger sets components going and never touches a store beyond taking
//! work.

pub mod assembly;
pub mod capability;
pub mod cli;
pub mod config;
mod egress;
mod ingress;
mod log_throttle;
pub mod loops;
mod metrics;
pub mod runtime;
pub mod wasm;

pub use assembly::composed::Composed;
pub use assembly::host::{Host, HostBuilder};
pub use assembly::refiner::Refiner;
pub use assembly::serving::Serving;
pub use config::Config;
pub use egress::resolver::Resolver;
pub use wasm::components::Components;
