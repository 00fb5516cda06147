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

use crate::model::convert::shortened;
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
            media_type,
            length,
            contents,
        }) => {
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
                media_type: shortened(media_type),
                length,
                contents: contents.flatten().boxed(),
            };
            (image, Some(Reading { begun, drained }))
        }
        wit::ImageOrLocation::Location(url) => match whole(url) {
            Ok(url) => (ImageOrLocation::Location(url), None),
            Err(_) => {
                let problem = "the model answered an address that is too long";
                return Ok((Err(ModelError::Broken(problem.to_owned())), None));
            }
        },
    };
    let answer = ModelAnswer {
        image,
        // The processor bounds them, once secrets are removed: half of one would not be found.
        notes: notes
            .into_iter()
            .take(note::MAX_NOTES)
            .map(|note| shortened(note.trim().to_owned()))
            .collect(),
        source: match source {
            wit::Source::Generative => Source::Generative,
            wit::Source::Rules => Source::Rules,
        },
    };
    Ok((Ok(answer), reading))
}

fn error_from_wit(error: wit::Error) -> ModelError {
    match error {
        // After a reason that is too long, trying again would cost again, and fail the same way.
        wit::Error::Unavailable(wit::Unavailable {
            reason,
            retry_after,
            is_rate_limit,
        }) => whole(reason).map_or_else(ModelError::Broken, |reason| ModelError::Unavailable {
            reason,
            retry_after: retry_after.map(Duration::from_millis),
            is_rate_limit,
        }),
        wit::Error::Unknown(reason) => {
            whole(reason).map_or_else(ModelError::Broken, ModelError::Unknown)
        }
        wit::Error::Refused(reason) => ModelError::Refused(shortened(reason)),
        wit::Error::Unauthorized(reason) => ModelError::Unauthorized(shortened(reason)),
        wit::Error::Broken(reason) => ModelError::Broken(shortened(reason)),
    }
}

/// The text, or as an error the beginning of one that is too long.
fn whole(mut text: String) -> Result<String, String> {
    match cut(&mut text) {
        true => Err(text),
        false => Ok(text),
    }
}
