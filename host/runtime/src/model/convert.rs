//! Converts between `wit/model-types.wit` and this crate, for the callers of a model: the
//! processor and middleware.

use std::time::{Duration, Instant};

use concept_refinement_capability::model::{
    ImageOrLocation, Mask, ModelAnswer, ModelError, ModelRequest, RetryLater, Source,
};
use concept_refinement_capability::payments::Payments;
use concept_refinement_domain::sentence::cut;
use wasmtime::component::StreamReader;

use crate::wasm::bindings::capabilities::concept::refinement::model_types as wit;
use crate::wasm::sandbox::Caller;
use crate::wasm::stream::{ByteStream, consume};

/// Longer than any task, but safe to add to any time.
const MAX_TIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The task on whose behalf a model is called.
#[derive(Default)]
pub struct CallContext {
    pub retry_later: RetryLater,
    pub payments: Payments,
    /// None: the one in the request.
    pub deadline: Option<Instant>,
}

pub fn request(
    request: wit::Request,
    context: CallContext,
    mut store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<ModelRequest> {
    let wit::Request {
        task_id,
        prompt,
        strength,
        seed,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        // The host fills these in itself.
        receipt: _,
        receipt_key: _,
        time_left,
        options,
        image,
        mask,
    } = request;
    let CallContext {
        retry_later,
        payments,
        deadline,
    } = context;
    let time_left = Duration::from_millis(time_left).min(MAX_TIME);
    let deadline = deadline.unwrap_or_else(|| Instant::now() + time_left);
    let image = consume(image, &mut store)?;
    let mask = match mask {
        Some(wit::Mask {
            media_type,
            length,
            contents,
        }) => {
            let contents = consume(contents, &mut store)?;
            Some(Mask {
                media_type,
                length,
                contents: contents.chunks,
                reopen: contents.reopen,
            })
        }
        None => None,
    };
    Ok(ModelRequest {
        task_id,
        prompt,
        strength,
        seed,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        options,
        mask,
        image: image.chunks,
        reopen: image.reopen,
        retry_later,
        deadline,
        payments,
    })
}

pub fn answer(answer: ModelAnswer, caller: &Caller) -> wasmtime::Result<wit::Answer> {
    let ModelAnswer {
        image,
        notes,
        source,
    } = answer;
    let image = match image {
        ImageOrLocation::Image {
            media_type,
            length,
            contents,
        } => wit::ImageOrLocation::Image(wit::Image {
            media_type,
            length,
            contents: caller.with(|access| StreamReader::new(access, ByteStream::new(contents)))?,
        }),
        ImageOrLocation::Location(url) => wit::ImageOrLocation::Location(url),
    };
    Ok(wit::Answer {
        image,
        notes,
        source: match source {
            Source::Generative => wit::Source::Generative,
            Source::Rules => wit::Source::Rules,
        },
    })
}

impl From<ModelError> for wit::LinkError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Unavailable {
                reason,
                retry_after,
                is_rate_limit,
            } => Self::Unavailable(wit::Unavailable {
                reason: shortened(reason),
                retry_after: retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
                is_rate_limit,
            }),
            ModelError::Unknown(reason) => Self::Unknown(shortened(reason)),
            ModelError::Refused(reason) => Self::Refused(shortened(reason)),
            ModelError::Unauthorized(reason) => Self::Unauthorized(shortened(reason)),
            ModelError::Broken(reason) => Self::Broken(shortened(reason)),
        }
    }
}

/// No more of a text than will be used: of a component, or of a model that an embedder
/// supplies.
pub fn shortened(mut text: String) -> String {
    cut(&mut text);
    text
}

/// For the processor, which has no other model to try.
impl From<ModelError> for wit::Error {
    fn from(error: ModelError) -> Self {
        match error.into() {
            wit::LinkError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            wit::LinkError::Unknown(reason) => Self::Unknown(reason),
            wit::LinkError::Unauthorized(reason) => Self::Unauthorized(reason),
            wit::LinkError::Broken(reason) => Self::Broken(reason),
            wit::LinkError::Refused(reason) => Self::Refused(reason),
        }
    }
}
