//! The capabilities of components: each is a trait in terms of the domain, which backends
//! implement.
//!
//! A backend knows its engine and the domain. It never sees WIT, wasmtime or
//! another backend, and never reads the system's clock: a [`Clock`] is passed
//! in. `wit/` says what a capability promises; each promise is a test in
//! `tests/contract/` that every backend has to pass.
//!
//! A call whose future is dropped may still take effect, wholly or not at all,
//! like a request whose connection breaks.

#![deny(missing_docs)]

pub mod administration;
pub mod blobs;
mod capabilities;
pub mod clock;
pub mod concepts;
pub mod cores;
pub mod directory;
pub mod embedded;
pub mod engine;
pub mod folder;
pub mod health;
pub mod images;
pub mod intercept;
pub mod leader_leases;
pub mod log_throttle;
pub mod migration;
pub mod model;
pub mod moving;
pub mod notifier;
pub mod pause;
pub mod payments;
pub mod permits;
pub mod processor;
pub mod queue;
pub mod rate;
pub mod room;
pub mod runtime;
pub mod service_url;
pub mod slots;
pub mod storage;
pub mod stream_guard;
pub mod tasks;
pub mod tls;
pub mod traces;
pub mod unavailable;
pub mod upgrade;
pub mod upload_reservations;
pub mod webhooks;

use concept_refinement_domain::capability::CapabilityError;
use futures::future::BoxFuture;

pub use capabilities::Capabilities;
pub use clock::Clock;
pub use directory::{OpenError, create as create_directory};
pub use engine::SharedSecret;

/// The future result of a call.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, CapabilityError>>;
