//! `blobs`, as linked into a component.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::blobs::{Blob, Blobs, Purpose, Rejection};
use concept_refinement_capability::model::Reopen;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::image::metadata::{Metadata, Rewrite, SourceType};
use concept_refinement_domain::image::{Inspected, Limits, Received};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::task::coop::consume_budget;
use wasmtime::component::{Resource, StreamReader};

use super::Answer;
use crate::wasm::bindings::capabilities::concept::refinement::blobs::{
    self, Host, HostBlob, HostBlobWithStore,
};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostBlob for &mut Sandbox {
    fn drop(&mut self, blob: Resource<Blob>) -> wasmtime::Result<()> {
        self.table.delete(blob)?;
        Ok(())
    }
}

impl HostBlobWithStore<Sandbox> for Linked {
    async fn reserve(
        caller: &Caller,
        purpose: blobs::Purpose,
        length: u64,
    ) -> Answer<Resource<Blob>> {
        let (blobs, purpose) = caller.with(|mut access| {
            let purpose = access.get().purpose(purpose);
            wasmtime::error::Ok((Arc::clone(access.get().blobs()?), purpose))
        })?;
        let reserved = reserved(caller, &blobs, purpose, bytes_of(length)).await;
        handle(caller, reserved)
    }

    async fn split(caller: &Caller, blob: Resource<Blob>, length: u64) -> Answer<Resource<Blob>> {
        let blob = caller.with(|mut access| access.get().table.get(&blob).cloned())?;
        handle(caller, blob.split(bytes_of(length)))
    }

    async fn append(caller: &Caller, blob: Resource<Blob>, bytes: Vec<u8>) -> Answer<()> {
        let blob = caller.with(|mut access| access.get().table.get(&blob).cloned())?;
        let appended = async {
            take(caller, &blob, bytes.len())?;
            blob.append(&bytes).await
        };
        Ok(appended.await.convert())
    }

    async fn fill(
        caller: &Caller,
        blob: Resource<Blob>,
        contents: StreamReader<u8>,
        declared: Option<u64>,
        limits: blobs::Limits,
    ) -> wasmtime::Result<Result<blobs::Received, blobs::Rejection>> {
        let (blob, chunks) = caller.with(|mut access| {
            let blob = access.get().table.get(&blob)?.clone();
            wasmtime::error::Ok((blob, consume(contents, &mut access)?.chunks))
        })?;
        blob.limit(Limits {
            max_bytes: limits.max_bytes,
            max_pixels: limits.max_pixels,
        });
        let received = received(caller, &blob, chunks, declared).await;
        Ok(match received {
            Ok(Received::Whole(inspected)) => {
                Ok(blobs::Received::Whole(whole(inspected, blob.metadata())))
            }
            Ok(Received::Part(shortfall)) => Ok(blobs::Received::Part(shortfall.to_string())),
            Err(rejection) => Err(rejection.into()),
        })
    }

    async fn stripped(caller: &Caller, blob: Resource<Blob>) -> Answer<blobs::Rewritten> {
        rewritten(caller, &blob, |metadata| metadata.stripped())
    }

    async fn marked(
        caller: &Caller,
        blob: Resource<Blob>,
        source_type: blobs::SourceType,
    ) -> Answer<blobs::Rewritten> {
        use blobs::SourceType as Wit;
        let source_type = match source_type {
            Wit::CompositeWithTrainedAlgorithmicMedia => {
                SourceType::CompositeWithTrainedAlgorithmicMedia
            }
            Wit::AlgorithmicallyEnhanced => SourceType::AlgorithmicallyEnhanced,
        };
        rewritten(caller, &blob, |metadata| Some(metadata.marked(source_type)))
    }

    async fn length(caller: &Caller, blob: Resource<Blob>) -> wasmtime::Result<u64> {
        caller.with(|mut access| Ok(access.get().table.get(&blob)?.received_bytes()))
    }

    async fn of(
        caller: &Caller,
        purpose: blobs::Purpose,
        contents: StreamReader<u8>,
        length: u64,
    ) -> Answer<Resource<Blob>> {
        let (blobs, purpose, contents) = caller.with(|mut access| {
            let purpose = access.get().purpose(purpose);
            let blobs = Arc::clone(access.get().blobs()?);
            let contents = consume(contents, &mut access)?;
            wasmtime::error::Ok((blobs, purpose, contents))
        })?;
        let filled = match contents.reopen {
            Some(reopen) => Ok(Blob::sharing(reopen)),
            None => filled(caller, &blobs, purpose, contents.chunks, length).await,
        };
        handle(caller, filled)
    }

    async fn contents(caller: &Caller, blob: Resource<Blob>) -> wasmtime::Result<StreamReader<u8>> {
        caller.with(|mut access| {
            let blob = access.get().table.get(&blob)?.clone();
            let reopen: Reopen = {
                let blob = blob.clone();
                Arc::new(move || blob.contents())
            };
            StreamReader::new(access, ByteStream::of(blob.contents(), Some(reopen)))
        })
    }
}

/// Deducts what these bytes take beyond what the blob has reserved.
fn take(caller: &Caller, blob: &Blob, bytes: usize) -> Result<(), CapabilityError> {
    let beyond = blob.beyond(bytes);
    caller.with(|mut access| access.get().take_blob_bytes(beyond))
}

async fn received(
    caller: &Caller,
    blob: &Blob,
    mut chunks: BoxStream<'static, Bytes>,
    declared: Option<u64>,
) -> Result<Received, Rejection> {
    while let Some(chunk) = chunks.next().await {
        take(caller, blob, chunk.len())?;
        blob.receive(&chunk, declared).await?;
        // A stream that always has a next chunk must not hold up the tasks of its thread.
        consume_budget().await;
    }
    blob.received(declared).await
}

fn whole(inspected: Inspected, metadata: Option<Metadata>) -> blobs::Inspected {
    let metadata = metadata.as_ref();
    let source_type = metadata.and_then(Metadata::source_type);
    blobs::Inspected {
        media_type: inspected.format.media_type().to_owned(),
        width: inspected.width,
        height: inspected.height,
        length: inspected.bytes,
        metadata: blobs::Metadata {
            has_credentials: metadata.is_some_and(Metadata::has_credentials),
            source_type: source_type.map(str::to_owned),
            is_strippable: metadata.and_then(Metadata::stripped).is_some(),
        },
    }
}

/// The same image with what `rewrite` makes of its metadata.
fn rewritten(
    caller: &Caller,
    blob: &Resource<Blob>,
    rewrite: impl FnOnce(&Metadata) -> Option<Rewrite>,
) -> Answer<blobs::Rewritten> {
    let blob = caller.with(|mut access| access.get().table.get(blob).cloned())?;
    let Some(rewrite) = blob.metadata().as_ref().and_then(rewrite) else {
        let error = CapabilityError::invalid("There is nothing to exchange in this image.");
        return Ok(Err(error.convert()));
    };
    let length = rewrite.length();
    let blob = caller.with(|mut access| access.get().table.push(blob.rewritten(rewrite)))?;
    Ok(Ok(blobs::Rewritten { blob, length }))
}

impl From<Rejection> for blobs::Rejection {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Unusable(unusable) => Self::Unusable(unusable.to_string()),
            Rejection::Space(error) => Self::Error(error.convert()),
        }
    }
}

/// A blob with the bytes that an instance writes, up to the announced length.
pub(crate) async fn filled(
    caller: &Caller,
    blobs: &Arc<Blobs>,
    purpose: Purpose,
    mut chunks: BoxStream<'static, Bytes>,
    length: u64,
) -> Result<Blob, CapabilityError> {
    let mut left = bytes_of(length);
    let blob = reserved(caller, blobs, purpose, left).await?;
    while left > 0
        && let Some(chunk) = chunks.next().await
    {
        let taken = chunk.get(..left).unwrap_or(&chunk);
        left -= taken.len();
        blob.append(taken).await?;
    }
    Ok(blob)
}

async fn reserved(
    caller: &Caller,
    blobs: &Arc<Blobs>,
    purpose: Purpose,
    length: usize,
) -> Result<Blob, CapabilityError> {
    caller.with(|mut access| access.get().take_blob_bytes(length))?;
    blobs.reserve(purpose, length).await
}

fn handle(caller: &Caller, blob: Result<Blob, CapabilityError>) -> Answer<Resource<Blob>> {
    Ok(match blob {
        Ok(blob) => Ok(caller.with(|mut access| access.get().table.push(blob))?),
        Err(error) => Err(error.convert()),
    })
}

fn bytes_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

impl Sandbox {
    /// A middleware must not wait for space: the answer of the model that it called may
    /// be waiting for the space that the middleware holds.
    fn purpose(&self, purpose: blobs::Purpose) -> Purpose {
        match purpose {
            blobs::Purpose::Answer if self.next().is_err() => Purpose::Answer,
            blobs::Purpose::Answer | blobs::Purpose::Original => Purpose::Original,
        }
    }
}
