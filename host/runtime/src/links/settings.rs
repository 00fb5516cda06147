//! `settings`, as linked into a component.

use crate::wasm::bindings::capabilities::concept::refinement::settings::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(caller: &Caller, name: String) -> wasmtime::Result<Option<String>> {
        Ok(caller.with(|mut access| access.get().setting(&name)))
    }

    async fn get_many(
        caller: &Caller,
        names: Vec<String>,
    ) -> wasmtime::Result<Vec<Option<String>>> {
        Ok(caller.with(|mut access| {
            let sandbox = access.get();
            names.iter().map(|name| sandbox.setting(name)).collect()
        }))
    }
}
