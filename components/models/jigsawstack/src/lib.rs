//! JigsawStack's image variation as an image model.
//!
//! An original is sent as a data URL. If the operator wants that, the provider itself
//! downloads an original that has a public URL; it may then get something else than what
//! was checked.
//!
//! There is only one model, and no documented idempotency key.

use concept_refinement_model_provider::{
    Body, Contents, Error, GUIDANCE, HttpRequest, NEGATIVE_PROMPT, Provider, Question, STEPS,
    Settings, Taken,
};
use serde::Serialize;

pub struct JigsawStack;

concept_refinement_model_provider::export_model!(JigsawStack);

#[derive(Serialize)]
struct Fields<'a> {
    prompt: &'a str,
    strength: f64,
    steps: u32,
    advance_config: AdvanceConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<&'a str>,
}

#[derive(Serialize)]
struct AdvanceConfig {
    negative_prompt: &'static str,
    guidance: f32,
}

impl Provider for JigsawStack {
    const DESCRIPTION: &'static str =
        "Images are refined by JigsawStack, which gets the image and the prompt.";

    fn takes(_: &Settings, _: bool) -> Vec<Taken> {
        vec![Taken::Strength]
    }

    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let source_url = question.source_url.as_deref();
        let fields = Fields {
            prompt: &question.prompt,
            strength: question.strength,
            steps: STEPS,
            advance_config: AdvanceConfig {
                negative_prompt: NEGATIVE_PROMPT,
                guidance: GUIDANCE,
            },
            image_url: source_url,
        };
        let body = match source_url {
            Some(_) => Body::json(&fields)?,
            None => {
                let media_type = original.properties().format.media_type();
                let head = format!("\"data:{media_type};base64,");
                Body::json_with_image(&fields, "image_url", (&head, "\""), original)?
            }
        };
        let request = HttpRequest::post("/v1/ai/image_variation", "application/json", body);
        Ok(request.with("x-api-key", settings.key.clone()))
    }
}
