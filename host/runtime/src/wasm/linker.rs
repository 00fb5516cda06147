//! Which interfaces each kind of component may import. A model or a middleware may have
//! been built with those of 0.1.0.

use wasmtime::component::Linker;

use crate::wasm::bindings::capabilities::concept::refinement::{
    blobs, concept_store, health, image_model, image_store, model_state, next_models,
    partial_edits, progress, receipts, settings, task_queue, task_store, usage, webhook_store,
};
use crate::wasm::bindings::model_0_1::concept::refinement::next_models as next_models_0_1;
use crate::wasm::sandbox::{Linked, Sandbox};

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
    settings::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// For the API: neither model nor progress.
pub fn api_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    health::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    task_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    task_queue::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    image_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    concept_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    webhook_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// For the pipeline: neither queue nor health.
pub fn processor_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    task_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    image_store::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    blobs::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    progress::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    partial_edits::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    image_model::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}

/// For a model: no capability except its receipts and what it cost.
pub fn model_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = base_linker(engine)?;
    receipts::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    usage::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    let mut released = linker.instance("concept:refinement/settings@0.1.0")?;
    settings::add_to_linker_instance::<_, Linked>(&mut released, |sandbox| sandbox)?;
    let mut released = linker.instance("concept:refinement/receipts@0.1.0")?;
    receipts::add_to_linker_instance::<_, Linked>(&mut released, |sandbox| sandbox)?;
    Ok(linker)
}

/// For middleware: the same, the models behind it, its state, and images that can be read
/// again.
pub fn middleware_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = model_linker(engine)?;
    blobs::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    next_models::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    model_state::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    let mut released = linker.instance("concept:refinement/blobs@0.1.0")?;
    blobs::add_to_linker_instance::<_, Linked>(&mut released, |sandbox| sandbox)?;
    let mut released = linker.instance("concept:refinement/model-state@0.1.0")?;
    model_state::add_to_linker_instance::<_, Linked>(&mut released, |sandbox| sandbox)?;
    next_models_0_1::add_to_linker::<_, Linked>(&mut linker, |sandbox| sandbox)?;
    Ok(linker)
}
