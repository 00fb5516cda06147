//! `image-store`, as linked into a component.

use concept_refinement_domain::capability::{
    Access, ByteRange, CapabilityError, ImageInfo, ImageKind, NewImage, StoredOrNot,
};
use futures::StreamExt as _;
use futures::future::ready;
use wasmtime::component::{Accessor, StreamReader};

use super::Contents;
use crate::wasm::bindings::capabilities::concept::refinement::image_store as wit;
use crate::wasm::bindings::capabilities::concept::refinement::image_store::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn put(
        accessor: &Accessor<Sandbox, Self>,
        image: wit::NewImage,
        contents: StreamReader<u8>,
    ) -> Answer<wit::StoredOrNot> {
        let (host, contents) = accessor.with(|mut access| {
            let host = access.get().capabilities()?;
            let (contents, _) = consume(contents, &mut access)?;
            wasmtime::error::Ok((host, contents))
        })?;
        let contents: Contents = Box::pin(contents.map(Ok));
        let stored = host.images.put(image.into(), contents).await;
        Ok(stored.map(Into::into).map_err(Into::into))
    }

    async fn stat(accessor: &Accessor<Sandbox, Self>, path: String) -> Answer<Option<wit::Info>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let info = host.images.stat(&path).await;
        Ok(info.map(|info| info.map(Into::into)).map_err(Into::into))
    }

    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        path: String,
        range: Option<wit::Range>,
    ) -> Answer<Option<(wit::Info, StreamReader<u8>)>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let range = range.map(|range| ByteRange {
            offset: range.offset,
            length: range.length,
        });
        match host.images.get(&path, range).await {
            Ok(None) => Ok(Ok(None)),
            Ok(Some((info, contents))) => {
                // A guest sees a fault as a stream that ends early.
                let whole = contents
                    .inspect(move |chunk| log(&path, chunk))
                    .take_while(|chunk| ready(chunk.is_ok()))
                    .filter_map(|chunk| ready(chunk.ok()));
                let reader =
                    accessor.with(|access| StreamReader::new(access, ByteStream::new(whole)))?;
                Ok(Ok(Some((info.into(), reader))))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn delete(accessor: &Accessor<Sandbox, Self>, path: String) -> Answer<()> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        Ok(host.images.delete(&path).await.map_err(Into::into))
    }

    async fn sign(
        accessor: &Accessor<Sandbox, Self>,
        path: String,
        origin: String,
    ) -> Answer<String> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        Ok(host.images.sign(&path, &origin).await.map_err(Into::into))
    }

    async fn resolve(
        accessor: &Accessor<Sandbox, Self>,
        url: String,
        origin: String,
    ) -> Answer<Option<wit::Resolved>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let resolved = host.images.resolve(&url, &origin).await;
        Ok(resolved
            .map(|resolved| {
                resolved.map(|resolved| wit::Resolved {
                    path: resolved.path,
                    access: match resolved.access {
                        Access::Unsigned => wit::Access::Unsigned,
                        Access::Signed => wit::Access::Signed,
                        Access::Refused => wit::Access::Refused,
                    },
                })
            })
            .map_err(Into::into))
    }
}

fn log<T>(path: &str, chunk: &Result<T, CapabilityError>) {
    if let Err(error) = chunk {
        tracing::error!(path, %error, "an image could not be read to its end");
    }
}

impl From<wit::Kind> for ImageKind {
    fn from(kind: wit::Kind) -> Self {
        match kind {
            wit::Kind::Upload => Self::Upload,
            wit::Kind::Refined => Self::Refined,
        }
    }
}

impl From<ImageKind> for wit::Kind {
    fn from(kind: ImageKind) -> Self {
        match kind {
            ImageKind::Upload => Self::Upload,
            ImageKind::Refined => Self::Refined,
        }
    }
}

impl From<wit::NewImage> for NewImage {
    fn from(image: wit::NewImage) -> Self {
        Self {
            kind: image.kind.into(),
            name: image.name,
            owner: image.owner,
            media_type: image.media_type,
            length: image.length,
            metadata: image.metadata,
            at_most: image.at_most,
        }
    }
}

impl From<StoredOrNot> for wit::StoredOrNot {
    fn from(stored: StoredOrNot) -> Self {
        match stored {
            StoredOrNot::Stored(stored) => Self::Stored(wit::Stored {
                path: stored.path,
                url: stored.url,
            }),
            StoredOrNot::TooMany => Self::TooMany,
            StoredOrNot::WrongLength => Self::WrongLength,
        }
    }
}

impl From<ImageInfo> for wit::Info {
    fn from(info: ImageInfo) -> Self {
        Self {
            path: info.path,
            kind: info.kind.into(),
            owner: info.owner,
            media_type: info.media_type,
            size: info.size,
            etag: info.etag,
            created_at: info.created_at.0,
        }
    }
}
