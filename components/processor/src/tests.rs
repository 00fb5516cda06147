//! The pipeline over a simulated world in virtual time.

mod contents;
mod hostile;
mod pipeline;
mod provider;
mod stores;
mod world;
