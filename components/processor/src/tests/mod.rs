//! The pipeline over a simulated world in virtual time.

mod pipeline;
mod world;
