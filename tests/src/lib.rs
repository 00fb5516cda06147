//! Shared by the tests: the real executable with its own data directory, a
//! client, a server of good and bad originals, pictures and tokens.
//!
//! Nothing here knows the inside of the service, except flawed stores and the
//! store of Spin. Errors panic: a test that cannot be set up has failed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

pub mod artifacts;
pub mod attacks;
pub mod balancer;
pub mod black_hole;
pub mod capabilities;
pub mod chromium;
pub mod client;
pub mod collector;
pub mod crowd;
pub mod deadline;
pub mod directory;
pub mod disk;
pub mod disk_wait;
pub mod engines;
pub mod events;
pub mod exposition;
pub mod faults;
pub mod figures;
pub mod flaws;
pub mod gateway;
pub mod issuer;
pub mod latency;
mod listed;
pub mod mcp;
pub mod metadata;
pub mod native;
pub mod nats;
pub mod network;
pub mod openai;
pub mod outage;
pub mod pictures;
pub mod platform;
pub mod port;
pub mod postgres;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod pubsub;
pub mod reaper;
pub mod receiver;
pub mod refusals;
pub mod released;
pub mod s3;
pub mod seed;
pub mod server;
pub mod service;
pub mod shape;
pub mod shared;
pub mod spin;
pub mod stand_in;
pub mod stored_images;
pub mod tls;
pub mod tokens;
