//! OpenAI's image edits as an image model; also compatible servers.
//!
//! Format: `POST /images/edits` in the API reference, and the guide on image generation,
//! both as of November 2026. Of the two models in each version, the guide recommends
//! Sunburst for edits. Answers are always in base64; some servers answer URLs instead.
//!
//! A mask is sent with alpha: what is transparent is to change.
//!
//! There is no strength: the prompt determines how much changes. There is no documented
//! idempotency key.

mod mask;

use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Error, HttpRequest, Multipart, Original, Provider, Question, Settings, Takes,
};

const PROFILE: &Profile = provider::Provider::OpenAi.profile();

pub struct OpenAi;

#[cfg(target_arch = "wasm32")]
concept_refinement_model_provider::export_model!(OpenAi);

impl Provider for OpenAi {
    const DESCRIPTION: &'static str = "Images are refined by OpenAI, or by a server with \
        the same API, which gets the image and the prompt.";

    fn takes(_: &Settings, _: bool) -> Takes {
        Takes {
            strength: false,
            seed: false,
            mask: true,
        }
    }

    fn request(
        question: &Question,
        original: &Original,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let model = settings.name_or_default(PROFILE);
        let fields = [("model", model), ("n", "1"), ("prompt", &question.prompt)];
        let form = Multipart::new(question.random);
        let mask = question.mask.as_deref().map(mask::transparent).transpose();
        let mask = mask.map_err(|_| Error::refused("the mask cannot be read"))?;
        let body = form.body(&fields, mask.as_deref(), "image", original);
        let request = HttpRequest::post("/v1/images/edits", form.content_type(), body);
        Ok(request.with_bearer(settings.key.as_deref()))
    }
}
