//! `image-model`, as linked into the processor.

use tokio::task::yield_now;
use wasmtime::component::{Accessor, StreamReader};

use super::{ModelAnswer, ModelError, ModelRequest};
use crate::wasm::bindings::capabilities::concept::refinement::image_model as wit;
use crate::wasm::bindings::capabilities::concept::refinement::image_model::{Host, HostWithStore};
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::shortened::Shortened;
use crate::wasm::stream::{ByteStream, consume};

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn refine(
        accessor: &Accessor<Sandbox, Self>,
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
        let (host, setback, image) = accessor.with(|mut access| {
            let host = access.get().capabilities()?;
            let setback = access.get().setback();
            let image = consume(image, &mut access)?;
            wasmtime::error::Ok((host, setback, image))
        })?;
        // The first step is on the stack of the guest, which keeps the pages that were
        // used once.
        yield_now().await;
        let answer = host
            .model
            .refine(ModelRequest {
                task_id,
                prompt,
                strength,
                logo_description,
                theme_description,
                media_type,
                length,
                source_url,
                image: image.chunks,
                reopen: image.reopen,
                setback,
            })
            .await;
        host.model_called(match &answer {
            Ok(_) | Err(ModelError::Refused(_)) => true,
            Err(ModelError::Unavailable { .. } | ModelError::Broken(_)) => false,
        });
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
            Err(ModelError::Refused(reason) | ModelError::Broken(reason)) => {
                Err(wit::Error::Refused(Shortened::from(reason).text))
            }
        })
    }

    async fn describe(accessor: &Accessor<Sandbox, Self>) -> wasmtime::Result<String> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        Ok(host.model.describe().to_owned())
    }
}
