//! The store for stock platforms: tasks, concepts, images, progress and settings, built
//! from records with compare-and-swap and from documents.
//!
//! A platform implements [`ports`]; users of the store see the interfaces in `wit/`. In
//! between, [`user_record`] has one record per user, so that submitting, claiming and
//! completing are a single swap each. It must never keep state in memory: a platform runs
//! several instances at once and drops each at any time.

mod changes;
#[cfg(target_arch = "wasm32")]
pub mod component;
mod concept_index;
mod concepts;
mod documents;
mod erasure;
mod from_0_1;
pub mod images;
pub mod names;
pub mod payments;
pub mod ports;
mod reads;
mod secret;
mod settings;
pub mod store;
mod tasks;
#[cfg(test)]
mod tests;
pub mod user_record;
pub mod watch;
mod webhooks;

use concept_refinement_guest::log;
