//! `blobs`, as linked into the processor.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::convert::Convert as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use wasmtime::component::{Access, Accessor, Resource, StreamReader};

use super::{Blob, Purpose};
use crate::wasm::bindings::capabilities::concept::refinement::blobs::{
    self, Host, HostBlob, HostBlobWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostBlob for &mut Sandbox {
    fn new(&mut self, purpose: blobs::Purpose) -> wasmtime::Result<Resource<Blob>> {
        let purpose = self.purpose(purpose);
        let blob = self.blobs()?.blob(purpose);
        Ok(self.table().push(blob)?)
    }

    fn drop(&mut self, blob: Resource<Blob>) -> wasmtime::Result<()> {
        self.table().delete(blob)?;
        Ok(())
    }
}

impl HostBlobWithStore<Sandbox> for Linked {
    async fn append(
        accessor: &Accessor<Sandbox, Self>,
        blob: Resource<Blob>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        let (blob, taken) = accessor.with(|mut access| {
            let blob = access.get().table().get(&blob).cloned()?;
            wasmtime::error::Ok((blob, access.get().take_blob_bytes(bytes.len())))
        })?;
        if let Err(error) = taken {
            return Ok(Err(error.convert()));
        }
        Ok(blob.append(bytes).await.convert())
    }

    async fn of(
        accessor: &Accessor<Sandbox, Self>,
        purpose: blobs::Purpose,
        contents: StreamReader<u8>,
    ) -> wasmtime::Result<Result<Resource<Blob>, types::Error>> {
        let (empty, contents) = accessor.with(|mut access| {
            let purpose = access.get().purpose(purpose);
            let empty = access.get().blobs()?.blob(purpose);
            let contents = consume(contents, &mut access)?;
            wasmtime::error::Ok((empty, contents))
        })?;
        let filled = match contents.reopen {
            Some(reopen) => Ok(empty.sharing(reopen)),
            None => filled(accessor, empty, contents.chunks).await,
        };
        match filled {
            Ok(blob) => Ok(Ok(
                accessor.with(|mut access| access.get().table().push(blob))?
            )),
            Err(error) => Ok(Err(error.convert())),
        }
    }

    fn contents(
        mut access: Access<Sandbox, Self>,
        blob: Resource<Blob>,
    ) -> wasmtime::Result<StreamReader<u8>> {
        let blob = access.get().table().get(&blob)?.clone();
        let reopen = {
            let blob = blob.clone();
            Arc::new(move || blob.contents())
        };
        StreamReader::new(access, ByteStream::of(blob.contents(), reopen))
    }
}

async fn filled(
    accessor: &Accessor<Sandbox, Linked>,
    blob: Blob,
    mut chunks: BoxStream<'static, Bytes>,
) -> Result<Blob, CapabilityError> {
    while let Some(chunk) = chunks.next().await {
        accessor.with(|mut access| access.get().take_blob_bytes(chunk.len()))?;
        blob.append(chunk.to_vec()).await?;
    }
    Ok(blob)
}

impl Sandbox {
    /// What stands before models waits for no room: the answer of the one that it
    /// asked may wait for what it holds.
    fn purpose(&self, purpose: blobs::Purpose) -> Purpose {
        match purpose {
            blobs::Purpose::Answer if self.next().is_err() => Purpose::Answer,
            blobs::Purpose::Answer | blobs::Purpose::Original => Purpose::Original,
        }
    }
}
