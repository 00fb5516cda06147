//! `usage`, as linked into models and middleware.

use concept_refinement_domain::convert::Convert as _;

use crate::wasm::bindings::capabilities::concept::refinement::types::{Error, Usage};
use crate::wasm::bindings::capabilities::concept::refinement::usage::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn add(
        caller: &Caller,
        key: String,
        usage: Usage,
    ) -> wasmtime::Result<Result<(), Error>> {
        let call = caller.with(|mut access| access.get().paid_call())?;
        Ok(call.add_usage(&key, &usage.convert()).await.convert())
    }
}
