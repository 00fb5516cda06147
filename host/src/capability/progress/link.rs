//! `progress`, as linked into the processor.

use wasmtime::component::Accessor;

use crate::bindings::capabilities::concept::refinement::progress::{Host, HostWithStore};
use crate::bindings::capabilities::concept::refinement::types::{Lease, Stage};
use crate::sandbox::{Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn began(
        accessor: &Accessor<Sandbox, Self>,
        lease: Lease,
        stage: Stage,
    ) -> wasmtime::Result<()> {
        let capabilities = accessor.with(|mut access| access.get().capabilities())?;
        let lease = lease.into();
        capabilities.tasks.progress(&lease, stage.into()).await;
        Ok(())
    }
}
