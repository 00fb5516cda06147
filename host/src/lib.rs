//! The host of concept refinement: it runs the `api`, `processor` and model
//! components on wasmtime and gives them their capabilities.
//!
//! A program that embeds it builds a [`Config`], loads the [`Components`] and passes
//! both to a [`HostBuilder`], which starts a service, or builds a [`Refiner`] without
//! one. A component sees only those interfaces of `wit/` that it was granted. The
//! traits behind the interfaces are in [`capability`].
//!
//! ```no_run
//! use concept_refinement_host::{Config, HostBuilder, HostError};
//!
//! # async fn serve() -> Result<(), HostError> {
//! let config = Config::builder().listen(([127, 0, 0, 1], 0).into()).build()?;
//! let host = HostBuilder::new(config).start().await?;
//! println!("http://{}", host.address());
//! host.stop().await;
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]
// These macros panic if the output fails.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod admin;
mod backup;
mod check;
/// The programs in the document, which are compiled along with the examples here.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
mod embedding {}
pub mod cli;
pub mod config;
mod few_connections;
mod log;
pub mod loops;
mod metrics;
mod moving;
mod operator;
mod restore;
mod service;
mod traces;
mod wiring;

pub use concept_refinement_capability as capability;
pub use concept_refinement_capability::tls::Trust;
pub use concept_refinement_runtime::egress::resolver::Resolver;
pub use config::Config;
pub use service::{Body, BodyError, ClientAddress, Service};
pub use wiring::refiner::request::{Original, RefineError, RefineRequest, RefinedImage};
pub use wiring::{Components, Host, HostBuilder, HostError, Refiner};
