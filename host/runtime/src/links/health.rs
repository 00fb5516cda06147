//! `health`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;
use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::health::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types::CapabilityState;
use crate::wasm::sandbox::{Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn check(accessor: &Accessor<Sandbox, Self>) -> wasmtime::Result<Vec<CapabilityState>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let states = host.health().await;
        Ok(states.convert())
    }

    async fn model(accessor: &Accessor<Sandbox, Self>) -> wasmtime::Result<String> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        Ok(host.model.describe().to_owned())
    }
}
