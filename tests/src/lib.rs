//! What the tests need to knock at the doors of the service: the real
//! executable on a data directory of its own, a client, an origin that serves
//! originals well or badly, pictures and tokens.
//!
//! Nothing here knows the inside of the service, except the stores with a flaw
//! that show that the suites can fail, and the store of Spin that adapters stand
//! on. What cannot be done panics: a test that cannot be set up has failed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

pub mod artifacts;
pub mod chromium;
pub mod client;
pub mod crowd;
pub mod deadline;
pub mod disk;
pub mod events;
pub mod exposition;
pub mod faults;
pub mod figures;
pub mod flaws;
pub mod issuer;
pub mod latency;
pub mod native;
pub mod outage;
pub mod pictures;
pub mod process;
pub mod provider;
pub mod reaper;
pub mod refusals;
pub mod server;
pub mod service;
pub mod shape;
pub mod spin;
pub mod tokens;
