//! Which interfaces each kind of component may import. A model or a middleware may have
//! been built with those of 0.1.0.

use wasmtime::component::Linker;

use crate::wasm::bindings::capabilities::concept::refinement::{
    blobs, concept_store, health, image_model, image_store, model_state, next_models,
    partial_edits, progress, receipts, settings, task_queue, task_store, usage, webhook_store,
};
use crate::wasm::bindings::model_0_1::concept::refinement::next_models as next_models_0_1;
use crate::wasm::sandbox::{Linked, Sandbox};

/// Adds interfaces to a linker.
macro_rules! add {
    ($linker:ident: $($interface:ident),+) => {
        $($interface::add_to_linker::<_, Linked>(&mut $linker, |sandbox| sandbox)?;)+
    };
}

/// Adds interfaces under their names of 0.1.0, since when they have not changed.
macro_rules! add_released {
    ($linker:ident: $($interface:ident $name:literal),+) => {$({
        let mut released = $linker.instance(concat!("concept:refinement/", $name, "@0.1.0"))?;
        $interface::add_to_linker_instance::<_, Linked>(&mut released, |sandbox| sandbox)?;
    })+};
}

/// A linker with an empty WASI and guarded wasi:http.
pub fn wasi_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    // Rust's standard library imports WASI 0.2 into every component.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// The same with `settings`, for all our components.
fn base_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = wasi_linker(engine)?;
    add!(linker: settings);
    Ok(linker)
}

/// For the API: neither model nor progress.
pub fn api_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    add!(linker: health, task_store, task_queue, image_store, concept_store, webhook_store);
    Ok(linker)
}

/// For the pipeline: neither queue nor health.
pub fn processor_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    add!(linker: task_store, image_store, blobs, progress, partial_edits, image_model);
    Ok(linker)
}

/// For a model: no capability except its receipts and what it cost.
pub fn model_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    add!(linker: receipts, usage);
    add_released!(linker: settings "settings", receipts "receipts");
    Ok(linker)
}

/// For middleware: the same, the models behind it, its state, and images that can be read
/// again.
pub fn middleware_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = model_linker(engine)?;
    add!(linker: blobs, next_models, model_state);
    add_released!(linker: blobs "blobs", model_state "model-state");
    add!(linker: next_models_0_1);
    Ok(linker)
}
