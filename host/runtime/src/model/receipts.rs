//! `receipts`, as linked into models and middleware.

use concept_refinement_domain::convert::Convert as _;

use crate::wasm::bindings::capabilities::concept::refinement::receipts::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types::Error;
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn put(
        caller: &Caller,
        key: String,
        receipt: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let call = caller.with(|mut access| access.get().paid_call())?;
        Ok(call.keep(&key, &receipt).await.convert())
    }
}
