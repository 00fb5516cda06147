//! The models of Replicate as an image model; also any server built with Cog.
//!
//! Formats: Replicate's HTTP API (`/v1/models/…/predictions`, `/v1/predictions`,
//! `/v1/files`) in its reference as of September 2026; Cog's HTTP API in its
//! documentation of August 2026.
//!
//! - A Cog server is called by `PUT /predictions/{id}` with the task's id: a repeated
//!   request waits while the first one runs, and does not compute again. The server
//!   forgets predictions that have ended.
//! - Replicate documents no idempotency key. The id of a prediction is stored as soon as
//!   it is known, and used to poll the prediction, also by a later call for the same
//!   task.

mod cog;
mod hosted;
mod prediction;
#[cfg(test)]
mod tests;

use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Answer, Contents, Error, Input, Model, Ports, Question, Settings, Taken,
};

use hosted::Service;

pub struct Replicate;

concept_refinement_model_provider::export_model!(Replicate);

const PROFILE: &Profile = provider::Provider::Replicate.profile();

impl Model for Replicate {
    const DESCRIPTION: &'static str = "Images are refined by a model at Replicate, or on a \
        server that Cog built, which gets the image and the prompt.";

    fn takes(settings: &Settings, _: bool) -> Vec<Taken> {
        Input::takes(settings)
    }

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        question: Question,
        original: Contents,
    ) -> Result<Answer, Error> {
        let own = PROFILE.model.filter(|_| settings.base.is(PROFILE.url));
        match settings.name.as_deref().or(own) {
            Some(name) => {
                let service = Service { ports, settings };
                service.refine(name, &question, original).await
            }
            None => cog::refine(ports, settings, &question, original).await,
        }
    }
}
