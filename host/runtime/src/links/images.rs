//! `image-store`, as linked into a component.

use concept_refinement_capability::images::Contents;
use concept_refinement_capability::log_throttled;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::convert::Convert as _;
use futures::StreamExt as _;
use futures::future::ready;
use wasmtime::component::StreamReader;

use super::{Answer, forward, granted};
use crate::wasm::bindings::capabilities::concept::refinement::image_store::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Caller, Linked, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    forward! { |host|
        stat(path: String) -> Option<types::ImageInfo> = host.images.stat(&path);
        has_uploads(owner: String) -> bool = host.images.has_uploads(&owner);
        delete(path: String) -> () = host.images.delete(&path);
        delete_uploads(owner: String, limit: u32) -> bool =
            host.images.delete_uploads(&owner, limit);
        sign(path: String, origin: String) -> String = host.images.sign(&path, &origin);
        resolve(url: String, origin: String) -> Option<types::Resolved> =
            host.images.resolve(&url, &origin);
    }

    async fn put(
        caller: &Caller,
        image: types::NewImage,
        contents: StreamReader<u8>,
    ) -> Answer<types::StoredOrNot> {
        let (host, contents) = caller.with(|mut access| {
            let host = access.get().capabilities()?;
            let contents = consume(contents, &mut access)?.chunks;
            wasmtime::error::Ok((host, contents))
        })?;
        let contents: Contents = Box::pin(contents.map(Ok));
        Ok(host.images.put(image.convert(), contents).await.convert())
    }

    async fn get(
        caller: &Caller,
        path: String,
        range: Option<types::ByteRange>,
    ) -> Answer<Option<(types::ImageInfo, StreamReader<u8>)>> {
        let host = granted(caller)?;
        let range = range.convert();
        match host.images.get(&path, range).await {
            Ok(None) => Ok(Ok(None)),
            Ok(Some((info, contents))) => {
                // A guest sees a fault only as a stream that ends early, so log it here.
                let whole = contents
                    .inspect(move |chunk| log(&path, chunk))
                    .take_while(|chunk| ready(chunk.is_ok()))
                    .filter_map(|chunk| ready(chunk.ok()));
                let reader =
                    caller.with(|access| StreamReader::new(access, ByteStream::new(whole)))?;
                Ok(Ok(Some((info.convert(), reader))))
            }
            Err(error) => Ok(Err(error.convert())),
        }
    }
}

fn log<T>(path: &str, chunk: &Result<T, CapabilityError>) {
    if let Err(error) = chunk {
        log_throttled!(error, "an image could not be read to its end", path, %error);
    }
}
