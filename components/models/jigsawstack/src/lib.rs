//! JigsawStack's image variation as an image model.
//!
//! An original is sent as a data URL. If the operator wants that, the provider itself
//! downloads an original that has a public URL; it may then get something else than what
//! was checked.
//!
//! There is only one model, and no documented idempotency key.

use concept_refinement_domain::original::{AllowedSources, check_url};
use concept_refinement_model_provider::{
    Body, Error, Found, GUIDANCE, HttpRequest, NEGATIVE_PROMPT, Original, Provider, Question,
    STEPS, Settings,
};
use serde::Serialize;
use serde_json::Value;

pub struct JigsawStack;

#[cfg(target_arch = "wasm32")]
concept_refinement_model_provider::export_model!(JigsawStack);

/// Possible places of the image's URL in a JSON answer.
const PLACES: [&str; 3] = ["/output/image_url", "/url", "/data/url"];

#[derive(Serialize)]
struct Fields<'a> {
    prompt: &'a str,
    strength: f32,
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
        "JigsawStack's image variation, asked at its API with the operator's key.";

    /// The JSON contains only a URL, no image.
    const MAX_JSON: u64 = 1 << 20;

    fn request(
        question: &Question,
        original: &Original,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let source_url = question
            .source_url
            .as_deref()
            .filter(|url| check_url(url, &AllowedSources::default()).is_ok());
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
                let head = format!("\"data:{};base64,", original.format.media_type());
                Body::json_with_image(&fields, "image_url", (&head, "\""), original)?
            }
        };
        let request = HttpRequest::post("/v1/ai/image_variation", "application/json", body);
        Ok(request.with("x-api-key", settings.key.clone()))
    }

    fn find(json: &[u8]) -> serde_json::Result<Found<'_>> {
        let answer: Value = serde_json::from_slice(json)?;
        let url = PLACES
            .iter()
            .filter_map(|place| answer.pointer(place)?.as_str())
            .find(|url| !url.is_empty());
        Ok(match url {
            Some(url) => Found::Location(url.to_owned()),
            None => Found::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_address_is_found_in_each_form() {
        let here = || Found::Location("https://cdn.example/1.png".to_owned());
        for (json, expected) in [
            (
                r#"{"output":{"image_url":"https://cdn.example/1.png"}}"#,
                here(),
            ),
            (r#"{"url":"https://cdn.example/1.png"}"#, here()),
            (r#"{"data":{"url":"https://cdn.example/1.png"}}"#, here()),
            (
                r#"{"url":null,"output":"soon","data":{"url":"https://cdn.example/1.png"}}"#,
                here(),
            ),
            (
                r#"{"output":{"image_url":""},"url":"https://cdn.example/1.png"}"#,
                here(),
            ),
            (r#"{"success":false,"message":"No"}"#, Found::Nothing),
            (r#"{"output":{}}"#, Found::Nothing),
            (r#"{"url":7}"#, Found::Nothing),
            ("{}", Found::Nothing),
        ] {
            assert_eq!(
                JigsawStack::find(json.as_bytes()).unwrap(),
                expected,
                "{json}"
            );
        }
        for json in ["", "{", "{\"url\":\"https", "text"] {
            assert!(JigsawStack::find(json.as_bytes()).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = JigsawStack::find(&json);
            let json = serde_json::json!({"output": {"image_url": text}}).to_string();
            let found = JigsawStack::find(json.as_bytes()).unwrap();
            prop_assert_eq!(found == Found::Nothing, text.is_empty());
        }
    }
}
