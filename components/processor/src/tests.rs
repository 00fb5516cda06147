//! The pipeline over in-memory ports, in virtual time.

mod hostile;
mod partial_edits;
mod pipeline;
mod provenance;
mod provider;
mod stores;
mod world;
