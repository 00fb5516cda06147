//! The differences between providers.

#![allow(async_fn_in_trait, reason = "components have one thread")]

use concept_refinement_domain::payment::Usage;

use crate::answer::{Answer, MAX_JSON_WITH_IMAGE, Reply, reply};
use crate::exchange::{ask, paid_if_unusable};
use crate::original::Contents;
use crate::outcome::Error;
use crate::ports::{HttpRequest, Ports};
use crate::question::Question;
use crate::settings::Settings;
use crate::work::{earlier_output, keep_output};

/// What a model may take besides the image and the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Strength,
    Seed,
    Mask,
}

/// A model behind an HTTP API.
pub trait Model: 'static {
    /// One sentence about this model, for users: the page shows it.
    const DESCRIPTION: &'static str;

    /// What it takes, as it is configured, of a request with or without a mask. The user is
    /// told of the rest.
    fn takes(settings: &Settings, is_masked: bool) -> Vec<Taken>;

    /// Makes one refinement.
    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        question: Question,
        original: Contents,
    ) -> Result<Answer, Error>;
}

/// A provider that answers a single request with the image.
pub trait Provider: 'static {
    /// One sentence about this model, for users: the page shows it.
    const DESCRIPTION: &'static str;

    /// See [`Model::takes`].
    fn takes(settings: &Settings, is_masked: bool) -> Vec<Taken>;

    /// Builds the request. An error: the question cannot be sent to this provider.
    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error>;

    /// What it says in its JSON that the work cost.
    fn usage(_json: &[u8]) -> Usage {
        Usage::default()
    }

    /// The image in its JSON, wherever it is. An error: there is none, or it is not to be
    /// used.
    fn answer(json: &[u8], settings: &Settings) -> Result<Answer, Error> {
        Answer::from_json(json, settings)
    }
}

impl<P: Provider> Model for P {
    const DESCRIPTION: &'static str = <P as Provider>::DESCRIPTION;

    fn takes(settings: &Settings, is_masked: bool) -> Vec<Taken> {
        <P as Provider>::takes(settings, is_masked)
    }

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        question: Question,
        original: Contents,
    ) -> Result<Answer, Error> {
        if let Some(answer) = earlier_output(ports, &question).await? {
            return Ok(answer);
        }
        let request = P::request(&question, original, settings)?;
        let response = ask(ports, settings, request).await?;
        // What is read is dropped here: storing where the image is and what it cost may take as
        // long as the store is away.
        let (usage, answer) = match reply(response, MAX_JSON_WITH_IMAGE).await {
            Ok(Reply::Image(answer)) => (Usage::default(), Ok(answer)),
            Ok(Reply::Json(json)) => (P::usage(&json), P::answer(&json, settings)),
            Err(error) => (Usage::default(), Err(error)),
        };
        if let Ok(answer) = &answer {
            keep_output(ports, &question.task_id, answer).await;
        }
        if usage == Usage::default() {
            return paid_if_unusable(ports, answer).await;
        }
        ports.add_usage(&usage).await;
        answer
    }
}
