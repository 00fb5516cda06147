//! `blobs`, as linked into the processor.

use std::sync::Arc;

use concept_refinement_domain::convert::Convert as _;
use futures::StreamExt as _;
use wasmtime::component::{Access, Accessor, Resource, StreamReader};

use super::{Blob, Purpose};
use crate::wasm::bindings::capabilities::concept::refinement::blobs::{
    self, Host, HostBlob, HostBlobWithStore,
};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::stream::ByteStream;

impl Host for &mut Sandbox {}

impl HostBlob for &mut Sandbox {
    fn new(&mut self, purpose: blobs::Purpose) -> wasmtime::Result<Resource<Blob>> {
        let blob = self.blobs()?.blob(match purpose {
            blobs::Purpose::Original => Purpose::Original,
            blobs::Purpose::Answer => Purpose::Answer,
        });
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
        let blob = accessor.with(|mut access| access.get().table().get(&blob).cloned())?;
        Ok(blob.append(bytes).await.convert())
    }

    fn contents(
        mut access: Access<Sandbox, Self>,
        blob: Resource<Blob>,
    ) -> wasmtime::Result<StreamReader<u8>> {
        let blob = access.get().table().get(&blob)?.clone();
        let reopen = Arc::new(move || blob.contents().boxed());
        StreamReader::new(access, ByteStream::of(reopen))
    }
}
