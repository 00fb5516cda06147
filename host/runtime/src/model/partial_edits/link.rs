//! `partial-edits`, as linked into the processor.

use std::sync::Arc;

use concept_refinement_capability::model::{Reopen, RetryLater};
use concept_refinement_domain::convert::Convert as _;
use tokio::task::yield_now;
use wasmtime::AsContextMut;
use wasmtime::component::StreamReader;

use super::{Call, Made, Part, PartialEdits, Picture, Stream};
use crate::model::replay::opening;
use crate::wasm::bindings::capabilities::concept::refinement::partial_edits as wit;
use crate::wasm::bindings::capabilities::concept::refinement::partial_edits::{
    Host, HostWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::{model_types, types};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn prepare(
        caller: &Caller,
        original: wit::Original,
        part: wit::Part,
        part_only: bool,
    ) -> wasmtime::Result<Result<wit::View, String>> {
        let call = caller.with(|mut access| {
            wasmtime::error::Ok(Call::Prepare {
                original: of_original(original, &mut access)?,
                part: match part {
                    wit::Part::Region(region) => Part::Region(region.convert()),
                    wit::Part::Mask(mask) => Part::Mask(of_mask(mask, &mut access)?),
                },
                part_only,
            })
        })?;
        match called(caller, call).await? {
            Ok(Made::View {
                image,
                mask,
                area,
                result_length,
            }) => Ok(Ok(wit::View {
                image: image.map(|image| image_of(image, caller)).transpose()?,
                mask: model_types::Mask {
                    media_type: mask.media_type,
                    length: mask.length.unwrap_or_default(),
                    contents: caller
                        .with(|access| StreamReader::new(access, ByteStream::new(mask.contents)))?,
                },
                area: area.convert(),
                result_length,
            })),
            Ok(Made::Composite { .. }) => Err(wasmtime::format_err!("this was not asked for")),
            Err(reason) => Ok(Err(reason)),
        }
    }

    async fn compose(
        caller: &Caller,
        original: wit::Original,
        mask: model_types::Mask,
        area: types::Region,
        feather: u32,
        answer: model_types::Image,
    ) -> wasmtime::Result<Result<wit::Composite, String>> {
        let call = caller.with(|mut access| {
            wasmtime::error::Ok(Call::Compose {
                original: of_original(original, &mut access)?,
                mask: of_mask(mask, &mut access)?,
                area: area.convert(),
                feather,
                answer: picture(
                    answer.media_type,
                    answer.length.unwrap_or_default(),
                    answer.contents,
                    &mut access,
                )?,
            })
        })?;
        match called(caller, call).await? {
            Ok(Made::Composite { image, notes }) => Ok(Ok(wit::Composite {
                image: image_of(image, caller)?,
                notes,
            })),
            Ok(Made::View { .. }) => Err(wasmtime::format_err!("this was not asked for")),
            Err(reason) => Ok(Err(reason)),
        }
    }
}

async fn called(caller: &Caller, call: Call) -> wasmtime::Result<Result<Made, String>> {
    let (edits, retry_later): (Arc<PartialEdits>, RetryLater) = caller.with(|mut access| {
        let sandbox = access.get();
        wasmtime::error::Ok((sandbox.partial_edits()?, sandbox.retry_later.clone()))
    })?;
    // Otherwise the first poll would run on the stack of the guest, which keeps every page
    // that was ever used.
    yield_now().await;
    Ok(edits.call(call, &retry_later).await)
}

fn of_original(original: wit::Original, store: impl AsContextMut) -> wasmtime::Result<Picture> {
    picture(
        original.media_type,
        original.length,
        original.contents,
        store,
    )
}

fn of_mask(mask: model_types::Mask, store: impl AsContextMut) -> wasmtime::Result<Picture> {
    picture(mask.media_type, mask.length, mask.contents, store)
}

fn picture(
    media_type: String,
    length: u64,
    contents: StreamReader<u8>,
    store: impl AsContextMut,
) -> wasmtime::Result<Picture> {
    let consumed = consume(contents, store)?;
    let mut chunks = consumed.chunks;
    let open: Reopen = opening(&mut chunks, &consumed.reopen);
    Ok(Picture {
        media_type,
        length,
        open,
    })
}

fn image_of(image: Stream, caller: &Caller) -> wasmtime::Result<model_types::Image> {
    Ok(model_types::Image {
        media_type: image.media_type,
        length: image.length,
        contents: caller
            .with(|access| StreamReader::new(access, ByteStream::new(image.contents)))?,
    })
}
