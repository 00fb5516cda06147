//! Google's Gemini models as an image model.
//!
//! Format: `POST /v1beta/models/{model}:generateContent` in the reference of the Gemini
//! API and its guide on image generation, with the reasons of version 3.6 of Google's own
//! client, all as of November 2026.
//!
//! There is neither strength nor mask. The API has a seed, but does not document it for the
//! models that make images, so that none is sent. There is no documented idempotency key.

mod response;
#[cfg(test)]
mod tests;

use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Answer, Body, Contents, Error, HttpRequest, Provider, Question, Settings, Taken, is_segment,
};

pub struct Gemini;

concept_refinement_model_provider::export_model!(Gemini);

const PROFILE: &Profile = provider::Provider::Gemini.profile();

/// What stands after the original: only images are wanted, and no words.
const AFTER: &str = r#"}]}],"generationConfig":{"responseModalities":["IMAGE"]}}"#;

impl Provider for Gemini {
    const DESCRIPTION: &'static str =
        "Images are refined by Google's Gemini, which gets the image and the prompt.";

    fn takes(_: &Settings, _: bool) -> Vec<Taken> {
        Vec::new()
    }

    fn usage(json: &[u8]) -> Usage {
        response::usage(json)
    }

    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let name = settings.name_or_default(PROFILE);
        if !is_segment(name) {
            return Err(settings.refused("name", "names no model of Gemini"));
        }
        let prompt = serde_json::to_string(&question.prompt)?;
        let media_type = original.properties().format.media_type();
        let blob = serde_json::json!({"mimeType": media_type});
        let before = format!(r#"{{"contents":[{{"parts":[{{"text":{prompt}}},{{"inlineData":"#);
        let body = Body::json_with_image(&blob, "data", ("\"", "\""), original)?;
        let request = HttpRequest::post(
            format!("/v1beta/models/{name}:generateContent"),
            "application/json",
            body.within(&before, AFTER),
        );
        Ok(request
            .accepting("application/json")
            .with("x-goog-api-key", settings.key.clone()))
    }

    fn answer(json: &[u8], settings: &Settings) -> Result<Answer, Error> {
        response::read(json, settings)
    }
}
