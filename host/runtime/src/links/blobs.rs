//! `blobs`, as linked into a component.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::blobs::{Blob, Blobs, Purpose};
use concept_refinement_capability::model::Reopen;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::convert::Convert as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
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

    async fn append(caller: &Caller, blob: Resource<Blob>, bytes: Vec<u8>) -> Answer<()> {
        let (blob, taken) = caller.with(|mut access| {
            let blob = access.get().table.get(&blob).cloned()?;
            let beyond = blob.beyond(bytes.len());
            wasmtime::error::Ok((blob, access.get().take_blob_bytes(beyond)))
        })?;
        if let Err(error) = taken {
            return Ok(Err(error.convert()));
        }
        Ok(blob.append(bytes).await.convert())
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
        blob.append(taken.to_vec()).await?;
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
