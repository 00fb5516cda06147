//! `next-models`, as linked into a middleware.

use std::sync::Arc;
use std::{iter, mem};

use concept_refinement_capability::blobs::{Blobs, Purpose};
use concept_refinement_capability::model::{ModelRequest, Reopen};
use concept_refinement_domain::capability::CapabilityError;
use futures::{StreamExt as _, stream};
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
        if let Err(error) = store(caller, &blobs, &mut request).await {
            return Ok(Err(wit::LinkError::Unavailable(Unavailable {
                reason: error.message,
                retry_after: None,
                is_rate_limit: false,
            })));
        }
        Ok(match next.refine(index, request).await {
            Ok(answer) => Ok(convert::answer(answer, caller)?),
            Err(error) => Err(error.into()),
        })
    }
}

/// Stores what the middleware writes itself, once for all its readers.
async fn store(
    caller: &Caller,
    blobs: &Arc<Blobs>,
    request: &mut ModelRequest,
) -> Result<(), CapabilityError> {
    let image = (&mut request.image, request.length, &mut request.reopen);
    let mask = request.mask.as_mut();
    let mask = mask.map(|mask| (&mut mask.contents, mask.length, &mut mask.reopen));
    for (contents, length, reopen) in iter::once(image).chain(mask) {
        if reopen.is_none() {
            let written = mem::replace(contents, stream::empty().boxed());
            let blob = filled(caller, blobs, Purpose::Original, written, length).await?;
            let open: Reopen = Arc::new(move || blob.contents());
            *contents = open();
            *reopen = Some(open);
        }
    }
    Ok(())
}
