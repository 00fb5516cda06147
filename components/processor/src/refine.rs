//! Calls the model, with retries.

use concept_refinement_domain::note;
use concept_refinement_domain::retry::{MAX_TRIES, backoff};
use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::contents::Contents;
use crate::download::download;
use crate::ports::{
    Answer, Blobs, ByteStream, Clock, Http, ImageModel, ModelError, ModelRequest, Purpose, Random,
};
use crate::process::timeout;

/// What the model answered.
pub struct Refined<B> {
    /// Complete.
    pub image: Contents<B>,
    pub notes: Vec<String>,
}

/// The model's answer, or a sentence for the user.
pub async fn refine<P: ImageModel + Http + Clock + Random>(
    ports: &P,
    request: ModelRequest,
    original: &Contents<P::Blob>,
    deadline: Timestamp,
    config: &Config,
) -> Result<Refined<P::Blob>, String> {
    let mut tries = 0;
    loop {
        tries += 1;
        let answer = timeout(ports, config.model_timeout, async {
            match ports.refine(request.clone(), original).await {
                Ok(answer) => Ok(collect(ports, answer, config).await),
                Err(error) => Err(error),
            }
        })
        .await;
        let (reason, retry_after) = match answer {
            None => {
                return Err(format!(
                    "the model did not answer within {} seconds",
                    config.model_timeout.as_secs_f32()
                ));
            }
            Some(Ok(collected)) => return collected,
            Some(Err(ModelError::Refused(reason))) => return Err(reason),
            Some(Err(ModelError::Unavailable {
                reason,
                retry_after,
            })) => (reason, retry_after),
        };
        if tries == MAX_TRIES {
            return Err(reason);
        }
        let wait = backoff(tries, ports.jitter(), retry_after);
        if ports.now().plus(wait) >= deadline {
            return Err(format!(
                "{reason}, and asks to be tried again later than this task may take"
            ));
        }
        ports.sleep(wait).await;
    }
}

async fn collect<P: Blobs + Http + Clock>(
    ports: &P,
    answer: Answer<impl ByteStream>,
    config: &Config,
) -> Result<Refined<P::Blob>, String> {
    match answer {
        Answer::Image {
            length,
            mut contents,
            notes,
        } => {
            let (purpose, limits) = (Purpose::ModelAnswer, config.answer_limits());
            let image = Contents::collect(ports, purpose, &mut contents, length, limits)
                .await
                .map_err(|rejected| format!("the model's answer is unusable: {rejected}"))?;
            let notes = note::bounded(&notes);
            Ok(Refined { image, notes })
        }
        Answer::Location(url) => {
            let downloaded = timeout(
                ports,
                config.download_timeout,
                download(ports, &url, Purpose::ModelAnswer, config),
            )
            .await;
            match downloaded {
                Some(Ok(image)) => Ok(Refined {
                    image,
                    notes: Vec::new(),
                }),
                Some(Err(error)) => Err(format!("the model's answer is unusable: {error}")),
                None => Err(format!(
                    "the model's answer could not be downloaded within {} seconds",
                    config.download_timeout.as_secs_f32()
                )),
            }
        }
    }
}
