//! The host of concept refinement: it runs the `api`, `processor` and model
//! components on wasmtime and plugs their capabilities in.
//!
//! Whoever embeds it starts with a [`HostBuilder`]. The components see the
//! interfaces of `wit/` and nothing else; each gets only what it is granted. A
//! backend of a capability ([`capability`]) speaks domain words and never sees
//! WIT; a trigger sets components going and never touches a store beyond taking
//! work.

pub mod bindings;
pub mod capability;
pub mod check;
pub mod cli;
mod code_cache;
pub mod components;
pub mod composed;
pub mod config;
mod egress;
mod engine;
mod host;
mod metrics;
mod pipeline;
mod recurring;
pub mod refiner;
mod sandbox;
mod secret;
mod serve;
mod serving;
mod stream;
mod trigger;

pub use components::Components;
pub use composed::Composed;
pub use config::Config;
pub use egress::resolver::Resolver;
pub use host::{Host, HostBuilder};
pub use refiner::Refiner;
pub use serving::Serving;
