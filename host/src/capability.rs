//! What the components are granted, each capability as a trait in the words of
//! the domain with one module a backend.
//!
//! A backend knows its engine and the domain. It never sees WIT or wasmtime,
//! never another backend, and never asks the system for the time: a [`Clock`]
//! is passed in. What a capability promises stands in `wit/`, and each promise
//! is a test in `tests/contract/` that every backend has to pass.
//!
//! A call whose future is dropped may still take effect, as a request may
//! whose connection breaks; it takes effect wholly or not at all.

mod capabilities;
pub mod clock;
pub mod concepts;
mod convert;
pub(crate) mod directory;
pub(crate) mod engine;
pub(crate) mod engines;
pub mod health;
pub mod images;
pub mod intercept;
pub mod model;
mod progress;
pub mod queue;
mod settings;
pub mod tasks;

use concept_refinement_domain::capability::CapabilityError;
use futures::future::BoxFuture;

pub use capabilities::Capabilities;
pub use clock::Clock;
pub use directory::{OpenError, create as create_directory};

/// What a call of a capability answers, some time later.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, CapabilityError>>;
