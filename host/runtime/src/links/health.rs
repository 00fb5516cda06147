//! `health`, as linked into a component.

use std::sync::Arc;

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
        let (host, redaction) = caller.with(|mut access| {
            let sandbox = access.get();
            wasmtime::error::Ok((
                sandbox.capabilities()?,
                Arc::clone(&sandbox.grants.redaction),
            ))
        })?;
        Ok(redaction.apply_for_users(host.model.describe()))
    }
}
