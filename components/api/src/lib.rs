//! The HTTP API, as a component.
//!
//! [`Api`] turns a request into a response by using its [`Ports`], so that it can run
//! natively in tests. On wasm the module `bindings` implements the ports with the imports
//! of `wit/`, and exports `handler` and `wasi:http/handler`.
//!
//! An instance is shared by concurrent requests, so nothing here may panic, await while
//! it holds a borrow, or buffer more of a request than its limits allow. Nothing here may
//! make decisions of the domain, or know a platform.
#![allow(async_fn_in_trait, reason = "components have one thread")]

mod accept;
mod allowance;
mod api;
mod assets;
mod auth;
mod base64_stream;
#[cfg(target_arch = "wasm32")]
mod bindings;
mod body;
mod conditional;
mod config;
mod cors;
mod download;
mod event;
mod json_images;
mod multipart;
mod openai;
mod origin;
mod pace;
mod paging;
mod ports;
mod problem;
mod protection;
mod range;
mod recent;
mod representation;
mod republish;
mod request;
mod response;
mod router;
mod routes;
mod state;
#[cfg(test)]
mod tests;
mod upload;
mod upload_memory;
mod warnings;

use concept_refinement_guest::log;

pub use api::Api;
pub use config::{Config, ConfigError};
pub use origin::Origin;
pub use ports::{ByteStream, Changes, Clock, KeyDocument, Ports, Settings};
pub use request::{Body, Headers, Interrupted, Method, Request};
pub use response::{Content, Response};
