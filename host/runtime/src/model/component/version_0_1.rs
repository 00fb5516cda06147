//! Translates between the interfaces of 0.1.0 and those of now, for models and middleware
//! that were built with the former: nothing that 0.1.0 does not know reaches them, and what
//! they do not say of an answer is not guessed.

use wasmtime::component::Accessor;

use crate::wasm::bindings::capabilities::concept::refinement::model_types as now;
use crate::wasm::bindings::capabilities::concept::refinement::next_models::HostWithStore as Now;
use crate::wasm::bindings::model_0_1::concept::refinement::model_types as old;
use crate::wasm::bindings::model_0_1::concept::refinement::next_models::{Host, HostWithStore};
use crate::wasm::sandbox::{Caller, Linked, Sandbox};

/// A request to a model of 0.1.0, which sees neither seed nor mask.
pub fn request(
    request: now::Request,
    accessor: &Accessor<Sandbox>,
) -> wasmtime::Result<old::Request> {
    let now::Request {
        task_id,
        prompt,
        strength,
        seed: _,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        receipt,
        time_left,
        receipt_key,
        options: _,
        image,
        mask,
    } = request;
    if let Some(mut mask) = mask {
        mask.contents.close_with(accessor)?;
    }
    Ok(old::Request {
        task_id,
        prompt,
        strength,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        receipt,
        time_left,
        receipt_key,
        image,
    })
}

impl From<old::Request> for now::Request {
    fn from(request: old::Request) -> Self {
        let old::Request {
            task_id,
            prompt,
            strength,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            receipt,
            time_left,
            receipt_key,
            image,
        } = request;
        Self {
            task_id,
            prompt,
            strength,
            seed: None,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            receipt,
            time_left,
            receipt_key,
            options: Vec::new(),
            image,
            mask: None,
        }
    }
}

impl From<old::Answer> for now::Answer {
    fn from(answer: old::Answer) -> Self {
        let (image, notes) = match answer {
            old::Answer::Image(old::Image {
                media_type,
                length,
                contents,
                notes,
            }) => {
                let image = now::Image {
                    media_type,
                    length,
                    contents,
                };
                (now::ImageOrLocation::Image(image), notes)
            }
            old::Answer::Location(url) => (now::ImageOrLocation::Location(url), Vec::new()),
        };
        Self {
            image,
            notes,
            source: now::Source::Generative,
        }
    }
}

impl From<now::Answer> for old::Answer {
    fn from(answer: now::Answer) -> Self {
        let now::Answer {
            image,
            notes,
            source: _,
        } = answer;
        match image {
            now::ImageOrLocation::Image(now::Image {
                media_type,
                length,
                contents,
            }) => Self::Image(old::Image {
                media_type,
                length,
                contents,
                notes,
            }),
            now::ImageOrLocation::Location(url) => Self::Location(url),
        }
    }
}

impl From<old::Error> for now::Error {
    fn from(error: old::Error) -> Self {
        match error {
            old::Error::Unavailable(old::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            }) => Self::Unavailable(now::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            }),
            old::Error::Unknown(reason) => Self::Unknown(reason),
            old::Error::Refused(reason) => Self::Refused(reason),
            old::Error::Unauthorized(reason) => Self::Unauthorized(reason),
        }
    }
}

impl From<now::LinkError> for old::LinkError {
    fn from(error: now::LinkError) -> Self {
        match error {
            now::LinkError::Unavailable(now::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            }) => Self::Unavailable(old::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            }),
            now::LinkError::Unknown(reason) => Self::Unknown(reason),
            now::LinkError::Refused(reason) => Self::Refused(reason),
            now::LinkError::Unauthorized(reason) => Self::Unauthorized(reason),
            now::LinkError::Broken(reason) => Self::Broken(reason),
        }
    }
}

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn count(caller: &Caller) -> wasmtime::Result<u32> {
        <Self as Now<Sandbox>>::count(caller).await
    }

    async fn describe(caller: &Caller, index: u32) -> wasmtime::Result<String> {
        <Self as Now<Sandbox>>::describe(caller, index).await
    }

    async fn identity(caller: &Caller, index: u32) -> wasmtime::Result<String> {
        <Self as Now<Sandbox>>::identity(caller, index).await
    }

    async fn has_receipt(caller: &Caller, index: u32) -> wasmtime::Result<bool> {
        <Self as Now<Sandbox>>::has_receipt(caller, index).await
    }

    async fn refine(
        caller: &Caller,
        index: u32,
        request: old::Request,
    ) -> wasmtime::Result<Result<old::Answer, old::LinkError>> {
        let answer = <Self as Now<Sandbox>>::refine(caller, index, request.into()).await?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }
}
