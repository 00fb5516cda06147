//! Runs concept refinement inside another program: an API, a page, a queue and image
//! models, as WebAssembly components on wasmtime.
//!
//! ```no_run
//! use concept_refinement_host::{Config, HostBuilder, RefineRequest};
//!
//! # async fn refine(logo: Vec<u8>) -> anyhow::Result<()> {
//! let config = Config::builder().data_dir("pictures").build()?;
//! let host = HostBuilder::new(config).start().await?;
//!
//! // Over HTTP:
//! println!("http://{}", host.address());
//! // Without a network, as one of its users:
//! let request = RefineRequest::new("lighter shades of brown");
//! let refined = host.client("ada").refine(logo, &request).await?;
//! std::fs::write("refined.png", &refined.bytes)?;
//!
//! host.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//!
//! | to | use |
//! |---|---|
//! | set it up | [`Config::builder`], with the types in [`config`] |
//! | start and stop a service | [`HostBuilder`], [`Host`] |
//! | put it behind a router of your own, as of axum | [`Host::service`], [`ClientAddress`] |
//! | refine images as a user, from this program | [`Host::client`], [`Client`] |
//! | refine images without a service | [`HostBuilder::refiner`], [`Refiner`] |
//! | use a model written in this program | [`HostBuilder::model`], [`capability::model`] |
//! | replace a store, a queue or the clock | [`HostBuilder::map_capabilities`], [`capability`] |
//! | run other components than the built-in ones | [`HostBuilder::components`], [`Components`] |
//! | know why it does not start | [`HostError`] |
//!
//! `docs/embedding.md` in the repository is a guide, from an empty directory to an answer;
//! `examples/embed.rs` and `examples/axum.rs` are whole programs.
//!
//! The library logs with `tracing` and installs no subscriber. A component sees only those
//! interfaces of `wit/` that it was granted.

#![deny(missing_docs)]
// These macros panic if the output fails.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod accept;
mod admin;
mod backup;
mod check;
/// The programs in the document, which are compiled along with the examples here.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
mod embedding {}
// The executable is made of this, and so are those of the tests.
#[doc(hidden)]
pub mod cli;
mod client;
pub mod config;
mod csv;
mod few_connections;
mod image_file;
mod log;
// The simulation runs these on a clock of its own.
#[doc(hidden)]
pub mod loops;
mod mcp;
mod metrics;
mod moving;
mod operator;
mod restore;
mod service;
mod setters;
mod tokens;
mod traces;
mod wiring;

pub use client::{Client, ClientError, Concept, Page, Quota, Task, TaskEvent, Upload, Usage};
pub use concept_refinement_capability as capability;
pub use concept_refinement_capability::tls::Trust;
pub use concept_refinement_domain::image::Format;
pub use concept_refinement_domain::partial_edit::Region;
pub use concept_refinement_domain::task::{Stage, Status};
pub use concept_refinement_domain::validation::FieldErrors;
pub use concept_refinement_runtime::egress::resolver::Resolver;
pub use config::Config;
pub use service::{Body, BodyError, ClientAddress, Service};
pub use wiring::refiner::request::{OriginalImage, RefineError, RefineRequest, RefinedImage};
pub use wiring::{Components, Host, HostBuilder, HostError, Refiner};
