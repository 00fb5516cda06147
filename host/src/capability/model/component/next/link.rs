//! `next-models`, as linked into a middleware.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::task::yield_now;
use wasmtime::component::{Accessor, StreamReader};

use crate::capability::blobs::{Blobs, Purpose};
use crate::capability::model::{ModelAnswer, ModelError, ModelRequest, Reopen};
use crate::wasm::bindings::capabilities::concept::refinement::next_models as wit;
use crate::wasm::bindings::capabilities::concept::refinement::next_models::{Host, HostWithStore};
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::shortened::Shortened;
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn count(accessor: &Accessor<Sandbox, Self>) -> wasmtime::Result<u32> {
        let next = accessor.with(|mut access| access.get().next())?;
        Ok(next.count())
    }

    async fn describe(accessor: &Accessor<Sandbox, Self>, index: u32) -> wasmtime::Result<String> {
        let next = accessor.with(|mut access| access.get().next())?;
        let link = next.link(index);
        Ok(link.map_or_else(String::new, |link| link.description().to_owned()))
    }

    async fn identity(accessor: &Accessor<Sandbox, Self>, index: u32) -> wasmtime::Result<String> {
        let next = accessor.with(|mut access| access.get().next())?;
        let link = next.link(index);
        Ok(link.map_or_else(String::new, |link| link.identity().to_owned()))
    }

    async fn refine(
        accessor: &Accessor<Sandbox, Self>,
        index: u32,
        request: wit::Request,
    ) -> wasmtime::Result<Result<wit::Answer, wit::Error>> {
        let wit::Request {
            task_id,
            prompt,
            strength,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            image,
        } = request;
        let (next, blobs, image) = accessor.with(|mut access| {
            let next = access.get().next()?;
            let blobs = Arc::clone(access.get().blobs()?);
            let image = consume(image, &mut access)?;
            wasmtime::error::Ok((next, blobs, image))
        })?;
        // The first step is on the stack of the guest, which keeps the pages that were
        // used once.
        yield_now().await;
        let reopen = match image.reopen {
            Some(reopen) => reopen,
            None => match gathered(accessor, &blobs, image.chunks, length).await {
                Ok(reopen) => reopen,
                Err(error) => {
                    return Ok(Err(wit::Error::Unavailable(wit::Unavailable {
                        reason: error.message,
                        retry_after: None,
                    })));
                }
            },
        };
        let answer = next
            .refine(
                index,
                ModelRequest {
                    task_id,
                    prompt,
                    strength,
                    logo_description,
                    theme_description,
                    media_type,
                    length,
                    source_url,
                    image: reopen(),
                    reopen: Some(reopen),
                    setback: next.setback(),
                },
            )
            .await;
        Ok(match answer {
            Ok(ModelAnswer::Image {
                media_type,
                length,
                contents,
                notes,
            }) => Ok(wit::Answer::Image(wit::Image {
                media_type: Shortened::from(media_type).text,
                length,
                contents: accessor
                    .with(|access| StreamReader::new(access, ByteStream::new(contents)))?,
                notes,
            })),
            Ok(ModelAnswer::Location(url)) => Ok(wit::Answer::Location(url)),
            Err(ModelError::Unavailable {
                reason,
                retry_after,
            }) => Err(wit::Error::Unavailable(wit::Unavailable {
                reason: Shortened::from(reason).text,
                retry_after: retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            })),
            Err(ModelError::Refused(reason)) => {
                Err(wit::Error::Refused(Shortened::from(reason).text))
            }
            Err(ModelError::Broken(reason)) => {
                Err(wit::Error::Broken(Shortened::from(reason).text))
            }
        })
    }
}

/// An image that the middleware itself writes, held once for whoever reads it: as
/// much of it as it said that there is.
async fn gathered(
    accessor: &Accessor<Sandbox, Linked>,
    blobs: &Arc<Blobs>,
    mut chunks: BoxStream<'static, Bytes>,
    length: u64,
) -> Result<Reopen, CapabilityError> {
    let blob = blobs.blob(Purpose::Original);
    let mut left = usize::try_from(length).unwrap_or(usize::MAX);
    while left > 0
        && let Some(chunk) = chunks.next().await
    {
        let taken = chunk.get(..left).unwrap_or(&chunk);
        left -= taken.len();
        accessor.with(|mut access| access.get().take_blob_bytes(taken.len()))?;
        blob.append(taken.to_vec()).await?;
    }
    Ok(Arc::new(move || blob.contents()))
}
