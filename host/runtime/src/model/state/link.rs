//! `model-state`, as linked into a middleware.

use wasmtime::component::StreamReader;

use crate::wasm::bindings::capabilities::concept::refinement::model_state as wit;
use crate::wasm::bindings::capabilities::concept::refinement::model_state::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn get(caller: &Caller, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let next = caller.with(|mut access| access.get().next())?;
        Ok(next.state().and_then(|state| state.get(&key)))
    }

    async fn swap(
        caller: &Caller,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> wasmtime::Result<bool> {
        let next = caller.with(|mut access| access.get().next())?;
        let state = next.state();
        Ok(state.is_some_and(|state| state.swap(&key, expected.as_deref(), new)))
    }

    async fn get_image(caller: &Caller, key: String) -> wasmtime::Result<Option<wit::Image>> {
        let next = caller.with(|mut access| access.get().next())?;
        let Some(image) = next.state().and_then(|state| state.image(&key)) else {
            return Ok(None);
        };
        let contents = ByteStream::new(image.contents());
        let contents = caller.with(|access| StreamReader::new(access, contents))?;
        Ok(Some(wit::Image {
            media_type: image.format.media_type().to_owned(),
            length: image.length as u64,
            contents,
        }))
    }

    async fn put_image(
        caller: &Caller,
        key: String,
        contents: StreamReader<u8>,
    ) -> wasmtime::Result<StreamReader<u8>> {
        caller.with(|mut access| {
            let next = access.get().next()?;
            let contents = consume(contents, &mut access)?.chunks;
            let contents = match next.state() {
                Some(state) => state.remembering(key, contents),
                None => contents,
            };
            StreamReader::new(access, ByteStream::new(contents))
        })
    }
}
