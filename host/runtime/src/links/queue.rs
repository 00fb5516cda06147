//! `task-queue`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;
use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::task_queue::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types::Error;
use crate::wasm::sandbox::{Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn publish(
        accessor: &Accessor<Sandbox, Self>,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let published = host.queue.publish(message).await;
        Ok(published.convert())
    }
}
