//! The store of a platform that is not ours: tasks, concepts, images, progress
//! and settings, made of records that can be swapped and documents.
//!
//! What a platform offers comes in by [`ports`]; who uses the store sees the
//! interfaces in `wit/`. In between, [`ledger`] holds the rules: one record a
//! user, so that submitting, claiming and completing are one swap each. It must
//! never keep state in memory: a platform runs several instances at once, and
//! drops each when it likes.

#[cfg(target_arch = "wasm32")]
pub mod component;
mod concepts;
mod documents;
pub mod images;
pub mod ledger;
pub mod names;
pub mod ports;
mod reads;
mod secret;
mod settings;
pub mod store;
mod tasks;
#[cfg(test)]
mod tests;
pub mod watch;

use concept_refinement_guest::log;
