//! The pipeline over a simulated world in virtual time.

mod contents;
mod pipeline;
mod provider;
mod world;
