//! `health`, as linked into a component.

use concept_refinement_domain::convert::Convert as _;

use super::granted;
use crate::wasm::bindings::capabilities::concept::refinement::health::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types::CapabilityState;
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn check(caller: &Caller) -> wasmtime::Result<Vec<CapabilityState>> {
        let host = granted(caller)?;
        Ok(host.health().await.convert())
    }

    async fn model(caller: &Caller) -> wasmtime::Result<String> {
        let host = granted(caller)?;
        let description = host.model.describe();
        Ok(caller.with(|mut access| access.get().grants.redaction.apply_for_users(description)))
    }
}
