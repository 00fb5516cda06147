//! Calls the model, with retries.

use std::fmt::Display;

use concept_refinement_domain::image::metadata::SourceType;
use concept_refinement_domain::note;
use concept_refinement_domain::retry::{MAX_TRIES, backoff};
use concept_refinement_domain::sentence::ANSWER_UNUSABLE;
use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::contents::{Contents, Draft};
use crate::download::{DownloadError, download};
use crate::ports::{
    Answer, ImageOrLocation, Images, ModelError, ModelRequest, Ports, Purpose, StreamOf,
};
use crate::reason::Reason;
use crate::time::Budget;

/// The model's answer.
pub struct Refined<B> {
    /// The complete image.
    pub image: Contents<B>,
    pub notes: Vec<String>,
    /// How it was made.
    pub source_type: SourceType,
}

/// The model's answer. `space`: what is reserved for it already.
pub async fn refine<P: Ports>(
    ports: &P,
    request: ModelRequest,
    images: &Images<'_, P::Blob>,
    space: Option<Draft<P::Blob>>,
    deadline: Timestamp,
    config: &Config,
) -> Result<Refined<P::Blob>, Reason> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut time = Budget::new(ports, config.model_timeout);
        let request = ModelRequest {
            time_left: deadline.since(ports.now()),
            ..request.clone()
        };
        let answer = time.spend(ports.refine(request, images)).await;
        let (reason, retry_after) = match answer {
            None => return Err(silence(config)),
            Some(Ok(answer)) => {
                return collect(ports, answer, space, time, deadline, config).await;
            }
            Some(Err(ModelError::Final(reason))) => return Err(reason),
            Some(Err(ModelError::Unavailable {
                reason,
                retry_after,
            })) => (reason, retry_after),
            Some(Err(ModelError::Unknown(reason))) => (reason, None),
        };
        if tries == MAX_TRIES {
            return Err(Reason::fault(reason));
        }
        let wait = backoff(tries, ports.jitter(), retry_after);
        if ports.now().plus(wait) >= deadline {
            return Err(Reason::fault(format!(
                "{reason}, and asks to be tried again later than this task may take"
            )));
        }
        ports.sleep(wait).await;
    }
}

async fn collect<P: Ports>(
    ports: &P,
    answer: Answer<StreamOf<P>>,
    space: Option<Draft<P::Blob>>,
    mut time: Budget<'_, P>,
    deadline: Timestamp,
    config: &Config,
) -> Result<Refined<P::Blob>, Reason> {
    let unusable = |error: &dyn Display| Reason::fault(format!("{ANSWER_UNUSABLE}: {error}"));
    let image = match answer.image {
        ImageOrLocation::Image { length, contents } => {
            let (purpose, limits) = (Purpose::ModelAnswer, config.answer_limits());
            // Lack of space does not count against the model.
            let draft = Draft::reserve(ports, space, purpose, length, limits).await;
            let draft = draft.map_err(|rejected| unusable(&rejected))?;
            let filled = time.spend(draft.filled(contents)).await;
            let filled = filled.ok_or_else(|| silence(config))?;
            filled.map_err(|rejected| unusable(&rejected))?
        }
        ImageOrLocation::Location(url) => {
            let purpose = Purpose::ModelAnswer;
            let image = download(ports, &url, purpose, space, deadline, config).await;
            image.map_err(|error| match error {
                DownloadError::TimedOut(limit) => Reason::fault(format!(
                    "the model's answer could not be downloaded within {} seconds",
                    limit.as_secs_f32()
                )),
                error if error.may_pass(purpose) => Reason::fault(format!(
                    "the model's answer could not be downloaded: {error}"
                )),
                error => unusable(&error),
            })?
        }
    };
    Ok(Refined {
        image,
        notes: note::bounded(&answer.notes),
        source_type: answer.source_type,
    })
}

fn silence(config: &Config) -> Reason {
    Reason::fault(format!(
        "the model did not answer within {} seconds",
        config.model_timeout.as_secs_f32()
    ))
}
