//! The store over `wasi:keyvalue`, as offered by Spin and platforms built on it, with the
//! settings from Spin's variables.

#![cfg(target_arch = "wasm32")]

mod keyvalue;
mod variables;

concept_refinement_adapter_store::export_store!(KeyValue);

/// The platform: one bucket and the component's variables.
#[derive(Default)]
pub struct KeyValue;

#[allow(unsafe_code, clippy::all, clippy::restriction)]
mod generated {
    wit_bindgen::generate!({ path: "wit", world: "platform", generate_all });
}
