//! `settings`, as linked into a component.

use wasmtime::component::Accessor;

use crate::bindings::capabilities::concept::refinement::settings::{Host, HostWithStore};
use crate::sandbox::{Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(accessor.with(|mut access| access.get().setting(&name)))
    }
}
