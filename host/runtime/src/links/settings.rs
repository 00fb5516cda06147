//! `settings`, as linked into a component.

use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::settings::{Host, HostWithStore};
use crate::wasm::sandbox::{Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(accessor.with(|mut access| access.get().setting(&name)))
    }

    async fn get_many(
        accessor: &Accessor<Sandbox, Self>,
        names: Vec<String>,
    ) -> wasmtime::Result<Vec<Option<String>>> {
        Ok(accessor.with(|mut access| {
            let sandbox = access.get();
            names.iter().map(|name| sandbox.setting(name)).collect()
        }))
    }
}
