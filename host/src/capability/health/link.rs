//! `health`, as linked into a component.

use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::health::{
    Capability, Host, HostWithStore,
};
use crate::wasm::sandbox::{Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn check(accessor: &Accessor<Sandbox, Self>) -> wasmtime::Result<Vec<Capability>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let states = host.check().await;
        Ok(states
            .into_iter()
            .map(|state| Capability {
                name: state.name,
                problem: state.problem,
            })
            .collect())
    }

    async fn model(accessor: &Accessor<Sandbox, Self>) -> wasmtime::Result<String> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        Ok(host.model.describe().to_owned())
    }
}
