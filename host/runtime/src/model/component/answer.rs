//! What a model component answers, as it comes from its instance: of each text no more
//! is kept than is looked at.
//!
//! One transfer bounds what a call may bring at all: see
//! [`Bounds::transfer`](crate::wasm::bounds::Bounds).

use std::time::Duration;

use concept_refinement_capability::model::{ModelAnswer, ModelError};
use concept_refinement_domain::note;
use concept_refinement_domain::sentence::cut;
use futures::{StreamExt as _, stream};
use tokio::sync::oneshot;

use crate::wasm::bindings::capabilities::concept::refinement::model_types as wit;
use crate::wasm::stream::{Consumed, consume};

/// The answer, and how far the reading of its bytes has come.
type Converted = (Result<ModelAnswer, ModelError>, Option<Reading>);

/// How far the reading of an answer has come.
pub struct Reading {
    /// Completes when somebody begins to read.
    pub begun: oneshot::Receiver<()>,
    /// Completes when no more will be read.
    pub drained: oneshot::Receiver<()>,
}

pub fn from_wit(
    answer: Result<wit::Answer, wit::Error>,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<Converted> {
    Ok(match answer {
        Ok(wit::Answer::Image(wit::Image {
            mut media_type,
            length,
            contents,
            notes,
        })) => {
            cut(&mut media_type);
            let Consumed {
                chunks, drained, ..
            } = consume(contents, store)?;
            let (begin, begun) = oneshot::channel();
            let contents = stream::once(async move {
                // The instance may be gone.
                let _ = begin.send(());
                chunks
            });
            let answer = ModelAnswer::Image {
                media_type,
                length,
                contents: contents.flatten().boxed(),
                notes: note::bounded(notes),
            };
            (Ok(answer), Some(Reading { begun, drained }))
        }
        Ok(wit::Answer::Location(mut url)) => match cut(&mut url) {
            true => {
                let problem = "the model answered an address that is too long";
                (Err(ModelError::Broken(problem.to_owned())), None)
            }
            false => (Ok(ModelAnswer::Location(url)), None),
        },
        Err(error) => (Err(error_from_wit(error)), None),
    })
}

fn error_from_wit(error: wit::Error) -> ModelError {
    match error {
        wit::Error::Unavailable(wit::Unavailable {
            mut reason,
            retry_after,
            is_rate_limit,
        }) => match cut(&mut reason) {
            // Another try would cost again, and end like this.
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
    }
}
