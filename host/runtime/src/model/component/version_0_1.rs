//! Requests to models and middleware that were built with the interfaces of 0.1.0, and the
//! models behind such a middleware, as it knows them.

use concept_refinement_domain::model_conversions;
use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::model_types as now;
use crate::wasm::bindings::capabilities::concept::refinement::next_models::HostWithStore as Now;
use crate::wasm::bindings::model_0_1::concept::refinement::model_types as old;
use crate::wasm::bindings::model_0_1::concept::refinement::next_models::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

model_conversions!(old, now);

/// A request to a model of 0.1.0, which sees neither seed nor mask. The mask's stream is
/// closed first, which the conversion cannot do without the store.
pub fn request(
    mut request: now::Request,
    accessor: &Accessor<Sandbox>,
) -> wasmtime::Result<old::Request> {
    if let Some(mask) = &mut request.mask {
        mask.contents.close_with(accessor)?;
    }
    Ok(request.into())
}

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn count(caller: &Caller) -> wasmtime::Result<u32> {
        <Self as Now<Sandbox>>::count(caller).await
    }

    async fn describe(caller: &Caller, index: u32) -> wasmtime::Result<String> {
        <Self as Now<Sandbox>>::describe(caller, index).await
    }

    async fn identity(caller: &Caller, index: u32) -> wasmtime::Result<String> {
        <Self as Now<Sandbox>>::identity(caller, index).await
    }

    async fn has_receipt(caller: &Caller, index: u32) -> wasmtime::Result<bool> {
        <Self as Now<Sandbox>>::has_receipt(caller, index).await
    }

    async fn refine(
        caller: &Caller,
        index: u32,
        request: old::Request,
    ) -> wasmtime::Result<Result<old::Answer, old::LinkError>> {
        let answer = <Self as Now<Sandbox>>::refine(caller, index, request.into()).await?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }
}
