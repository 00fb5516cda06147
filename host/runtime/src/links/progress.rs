//! `progress`, as linked into the processor.

use concept_refinement_domain::convert::Convert as _;

use crate::wasm::bindings::capabilities::concept::refinement::progress::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types::{Lease, Stage};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn began(caller: &Caller, lease: Lease, stage: Stage) -> wasmtime::Result<()> {
        let (lease, stage) = (lease.convert(), stage.convert());
        let capabilities = caller.with(|mut access| {
            let sandbox = access.get();
            sandbox.stage.set(stage);
            sandbox.attempt.stage(stage);
            sandbox.capabilities()
        })?;
        // Nothing depends on the result.
        let _ = capabilities.leases().progress(&lease, stage).await;
        Ok(())
    }
}
