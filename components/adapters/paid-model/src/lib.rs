//! Stands before a model that costs, where the platform is not our host: counts its calls
//! before they leave, and hands it what an earlier one kept. What may be asked is decided
//! by the store.
//!
//! It must read no image.

#[cfg(target_arch = "wasm32")]
mod component;
