//! `next-models`, as linked into a middleware.

use std::sync::Arc;

use concept_refinement_capability::blobs::Purpose;
use concept_refinement_capability::model::Reopen;
use tokio::task::yield_now;

use crate::links::blobs::filled;
use crate::model::convert;
use crate::wasm::bindings::capabilities::concept::refinement::model_types::Unavailable;
use crate::wasm::bindings::capabilities::concept::refinement::next_models as wit;
use crate::wasm::bindings::capabilities::concept::refinement::next_models::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn count(caller: &Caller) -> wasmtime::Result<u32> {
        let next = caller.with(|mut access| access.get().next())?;
        Ok(next.count())
    }

    async fn describe(caller: &Caller, index: u32) -> wasmtime::Result<String> {
        let next = caller.with(|mut access| access.get().next())?;
        let link = next.link(index);
        Ok(link.map_or_else(String::new, |link| link.description().to_owned()))
    }

    async fn identity(caller: &Caller, index: u32) -> wasmtime::Result<String> {
        let next = caller.with(|mut access| access.get().next())?;
        let link = next.link(index);
        Ok(link.map_or_else(String::new, |link| link.identity().to_owned()))
    }

    async fn has_receipt(caller: &Caller, index: u32) -> wasmtime::Result<bool> {
        let next = caller.with(|mut access| access.get().next())?;
        Ok(next.has_receipt(index))
    }

    async fn refine(
        caller: &Caller,
        index: u32,
        request: wit::Request,
    ) -> wasmtime::Result<Result<wit::Answer, wit::LinkError>> {
        let (next, blobs, mut request) = caller.with(|mut access| {
            let next = access.get().next()?;
            let blobs = Arc::clone(access.get().blobs()?);
            let request = convert::request(request, next.context(), &mut access)?;
            wasmtime::error::Ok((next, blobs, request))
        })?;
        // Otherwise the first poll would run on the stack of the guest, which keeps every
        // page that was ever used.
        yield_now().await;
        if request.reopen.is_none() {
            // The middleware writes the image itself: it is stored once for all its
            // readers.
            let (purpose, length) = (Purpose::Original, request.length);
            match filled(caller, &blobs, purpose, request.image, length).await {
                Ok(blob) => {
                    let reopen: Reopen = Arc::new(move || blob.contents());
                    request.image = reopen();
                    request.reopen = Some(reopen);
                }
                Err(error) => {
                    return Ok(Err(wit::LinkError::Unavailable(Unavailable {
                        reason: error.message,
                        retry_after: None,
                        is_rate_limit: false,
                    })));
                }
            }
        }
        Ok(match next.refine(index, request).await {
            Ok(answer) => Ok(convert::answer(answer, caller)?),
            Err(error) => Err(error.into()),
        })
    }
}
