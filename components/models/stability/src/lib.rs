//! Stability AI's image-to-image as an image model.
//!
//! Format: the REST API v2beta (`/v2beta/stable-image/…`) in its reference, as of October
//! 2026. The model's name selects the endpoint: `sd3.5-…` and `ultra` start from the
//! original and take a strength; `structure`, `sketch` and `style` keep that aspect of
//! it. There is no documented idempotency key.
//!
//! With a mask, whatever the model's name, the endpoint is `edit/inpaint`: white is
//! painted, and there is no strength.
//!
//! It requests JSON, since raw bytes would not tell that an image was blurred by the
//! content filter.

use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Answer, Contents, Error, HttpRequest, Multipart, Provider, Question, Settings, Taken,
};
use serde::Deserialize;

const PROFILE: &Profile = provider::Provider::Stability.profile();

pub struct Stability;

concept_refinement_model_provider::export_model!(Stability);

/// The endpoint for a part of an image.
const INPAINT: &str = "/v2beta/stable-image/edit/inpaint";

const MAX_SEED: u32 = u32::MAX - 1;

#[derive(Deserialize)]
struct Finish {
    finish_reason: Option<String>,
}

/// The models, or how their names begin, with their paths, and with the field that controls
/// how much the original may change.
const ENDPOINTS: [(&str, &str, &str); 5] = [
    ("ultra", "generate/ultra", "strength"),
    ("structure", "control/structure", "control_strength"),
    ("sketch", "control/sketch", "control_strength"),
    ("style", "control/style", "fidelity"),
    (VERSIONED, "generate/sd3", "strength"),
];

/// How the names of models begin of which there are several versions: a request must name
/// them, and say that there is an original.
const VERSIONED: &str = "sd3";

/// None: there is no such model.
fn endpoint(model: &str) -> Option<(String, &'static str)> {
    let name = match model.starts_with(VERSIONED) {
        true => VERSIONED,
        false => model,
    };
    let (_, path, field) = ENDPOINTS.into_iter().find(|(it, ..)| *it == name)?;
    Some((format!("/v2beta/stable-image/{path}"), field))
}

impl Provider for Stability {
    const DESCRIPTION: &'static str =
        "Images are refined by Stability AI, which gets the image and the prompt.";

    fn takes(_: &Settings, is_masked: bool) -> Vec<Taken> {
        match is_masked {
            true => vec![Taken::Seed, Taken::Mask],
            false => vec![Taken::Strength, Taken::Seed, Taken::Mask],
        }
    }

    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let model = settings.name_or_default(PROFILE);
        let (path, field) = endpoint(model)
            .ok_or_else(|| settings.refused("name", "names no model of Stability AI"))?;
        let strength = match field {
            "strength" => question.strength,
            // The others weigh the original.
            _ => 1.0 - question.strength,
        };
        let strength = format!("{strength:.2}");
        // 0 stands for any seed.
        let seed = question
            .seed
            .map(|seed| seed.clamp(1, MAX_SEED).to_string());
        let mask = question.mask.as_deref();
        let mut fields = vec![("prompt", question.prompt.as_str())];
        if mask.is_none() {
            fields.push((field, &strength));
        }
        fields.push(("output_format", "png"));
        if mask.is_none() && model.starts_with(VERSIONED) {
            fields.extend([("mode", "image-to-image"), ("model", model)]);
        }
        fields.extend(seed.as_deref().map(|seed| ("seed", seed)));
        let path = match mask {
            Some(_) => INPAINT.to_owned(),
            None => path,
        };
        let form = Multipart::new(question.random);
        let body = form.body(&fields, mask, "image", "image", original);
        let request = HttpRequest::post(path, form.content_type(), body);
        Ok(request
            .accepting("application/json")
            .with_bearer(settings.key.as_deref()))
    }

    fn answer(json: &[u8], settings: &Settings) -> Result<Answer, Error> {
        match is_blurred(json) {
            true => Err(Error::refused(
                "the provider withheld the image, since it is against its rules",
            )),
            false => Answer::from_json(json, settings),
        }
    }
}

/// Whether the image in this JSON was blurred by the content filter.
fn is_blurred(json: &[u8]) -> bool {
    let finish: Option<Finish> = serde_json::from_slice(json).ok();
    finish.is_some_and(|finish| finish.finish_reason.as_deref() == Some("CONTENT_FILTERED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_was_blurred_is_refused() {
        for (json, is_refused) in [
            (
                r#"{"image":"R0lG","finish_reason":"SUCCESS","seed":7}"#,
                false,
            ),
            (r#"{"image":"R0lG"}"#, false),
            (
                r#"{"image":"R0lG","finish_reason":"CONTENT_FILTERED","seed":7}"#,
                true,
            ),
            (r#"{"image":"","finish_reason":"CONTENT_FILTERED"}"#, true),
            (r#"{"image":"R0"#, false),
        ] {
            assert_eq!(is_blurred(json.as_bytes()), is_refused, "{json}");
        }
    }

    #[test]
    fn a_model_is_where_its_name_says() {
        for (model, path) in [
            ("sd3.5-large", Some("/v2beta/stable-image/generate/sd3")),
            ("sd3.5-flash", Some("/v2beta/stable-image/generate/sd3")),
            ("ultra", Some("/v2beta/stable-image/generate/ultra")),
            ("structure", Some("/v2beta/stable-image/control/structure")),
            ("sketch", Some("/v2beta/stable-image/control/sketch")),
            ("style", Some("/v2beta/stable-image/control/style")),
            ("core", None),
            ("../v1", None),
        ] {
            let found = endpoint(model).map(|(path, _)| path);
            assert_eq!(found.as_deref(), path, "{model}");
        }
        assert!(PROFILE.model.and_then(endpoint).is_some());
    }
}
