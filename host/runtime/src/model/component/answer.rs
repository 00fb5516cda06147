//! Converts the answer of a model component. Of each text, no more is kept than will be
//! used.
//!
//! The size of a call's whole answer is limited by its transfer size: see
//! [`Bounds::transfer`](crate::wasm::bounds::Bounds).

use std::time::Duration;

use concept_refinement_capability::model::{ImageOrLocation, ModelAnswer, ModelError, Source};
use concept_refinement_domain::note;
use concept_refinement_domain::sentence::cut;
use futures::{StreamExt as _, stream};
use tokio::sync::oneshot;

use crate::wasm::bindings::capabilities::concept::refinement::model_types as wit;
use crate::wasm::stream::{Consumed, consume};

/// The answer, and signals about the reading of its bytes.
type Converted = (Result<ModelAnswer, ModelError>, Option<Reading>);

/// Signals about the reading of an answer.
pub struct Reading {
    /// Completes when reading begins.
    pub begun: oneshot::Receiver<()>,
    /// Completes when no more will be read.
    pub drained: oneshot::Receiver<()>,
}

pub fn from_wit(
    answer: Result<wit::Answer, wit::Error>,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<Converted> {
    let wit::Answer {
        image,
        notes,
        source,
    } = match answer {
        Ok(answer) => answer,
        Err(error) => return Ok((Err(error_from_wit(error)), None)),
    };
    let (image, reading) = match image {
        wit::ImageOrLocation::Image(wit::Image {
            mut media_type,
            length,
            contents,
        }) => {
            cut(&mut media_type);
            let Consumed {
                chunks, drained, ..
            } = consume(contents, store)?;
            let (begin, begun) = oneshot::channel();
            let contents = stream::once(async move {
                // The instance may have ended.
                let _ = begin.send(());
                chunks
            });
            let image = ImageOrLocation::Image {
                media_type,
                length,
                contents: contents.flatten().boxed(),
            };
            (image, Some(Reading { begun, drained }))
        }
        wit::ImageOrLocation::Location(mut url) => match cut(&mut url) {
            true => {
                let problem = "the model answered an address that is too long";
                return Ok((Err(ModelError::Broken(problem.to_owned())), None));
            }
            false => (ImageOrLocation::Location(url), None),
        },
    };
    let answer = ModelAnswer {
        image,
        notes: note::bounded(notes),
        source: match source {
            wit::Source::Generative => Source::Generative,
            wit::Source::Rules => Source::Rules,
        },
    };
    Ok((Ok(answer), reading))
}

fn error_from_wit(error: wit::Error) -> ModelError {
    match error {
        wit::Error::Unavailable(wit::Unavailable {
            mut reason,
            retry_after,
            is_rate_limit,
        }) => match cut(&mut reason) {
            // Trying again would cost again, and fail the same way.
            true => ModelError::Broken(reason),
            false => ModelError::Unavailable {
                reason,
                retry_after: retry_after.map(Duration::from_millis),
                is_rate_limit,
            },
        },
        wit::Error::Unknown(mut reason) => match cut(&mut reason) {
            true => ModelError::Broken(reason),
            false => ModelError::Unknown(reason),
        },
        wit::Error::Refused(mut reason) => {
            cut(&mut reason);
            ModelError::Refused(reason)
        }
        wit::Error::Unauthorized(mut reason) => {
            cut(&mut reason);
            ModelError::Unauthorized(reason)
        }
        wit::Error::Broken(mut reason) => {
            cut(&mut reason);
            ModelError::Broken(reason)
        }
    }
}
