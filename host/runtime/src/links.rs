//! Where a component's calls of its imports become calls of the capabilities. Arguments
//! are converted here, and nowhere else; nothing is decided.

pub mod blobs;
mod concepts;
mod convert;
mod health;
mod images;
mod progress;
mod queue;
mod settings;
mod tasks;
mod webhooks;
