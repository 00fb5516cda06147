//! OpenAI's image edits as an image model; also compatible servers.
//!
//! Format: `POST /images/edits` in the API reference, and the guide on image generation,
//! both as of November 2026. Of the two models in each version, the guide recommends
//! Sunburst for edits. Answers are always in base64.
//!
//! There is no strength: the prompt determines how much changes. There is no documented
//! idempotency key.

use concept_refinement_domain::model_name;
use concept_refinement_model_provider::{
    Error, First, Found, HttpRequest, Multipart, Original, Provider, Question, Settings, Text,
};
use serde::Deserialize;

pub struct OpenAi;

#[cfg(target_arch = "wasm32")]
concept_refinement_model_provider::export_model!(OpenAi);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: First<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    b64_json: Option<Text<'a>>,
    /// Some servers return this instead.
    url: Option<String>,
}

impl Provider for OpenAi {
    const DESCRIPTION: &'static str =
        "The image edits of OpenAI, or of a server with the same API, asked over HTTP.";

    fn request(
        question: &Question,
        original: &Original,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let model = settings.name.as_deref().unwrap_or(model_name::OPENAI);
        let fields = [("model", model), ("n", "1"), ("prompt", &question.prompt)];
        let form = Multipart::new(question.random);
        let body = form.body(&fields, "image", original);
        let request = HttpRequest::post("/v1/images/edits", form.content_type(), body);
        Ok(request.with_bearer(settings.key.as_deref()))
    }

    fn find(json: &[u8]) -> serde_json::Result<Found<'_>> {
        let answer: Answer<'_> = serde_json::from_slice(json)?;
        Ok(match answer.data.0 {
            Some(Item {
                b64_json: Some(image),
                ..
            }) => Found::Image(image),
            Some(Item { url: Some(url), .. }) => Found::Location(url),
            Some(_) | None => Found::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_image_is_found() {
        let image = || Found::Image(Text(Cow::Borrowed("R0lG")));
        for (json, expected) in [
            (
                r#"{"created":1713833628,"data":[{"b64_json":"R0lG"}],"usage":{"total_tokens":100}}"#,
                image(),
            ),
            (
                r#"{"data":[{"b64_json":"R0lG","url":"https://cdn.example/1.png"},{"b64_json":"x"}]}"#,
                image(),
            ),
            (
                r#"{"data":[{"b64_json":null,"url":"https://cdn.example/1.png"}]}"#,
                Found::Location("https://cdn.example/1.png".to_owned()),
            ),
            (r#"{"data":[{"revised_prompt":"x"}]}"#, Found::Nothing),
            (r#"{"data":[]}"#, Found::Nothing),
            (r#"{"error":{"message":"No"}}"#, Found::Nothing),
        ] {
            assert_eq!(OpenAi::find(json.as_bytes()).unwrap(), expected, "{json}");
        }
        for json in [
            "",
            r#"{"data":"R0lG"}"#,
            r#"{"data":[{"b64_json":7}]}"#,
            r#"{"data":[{"#,
        ] {
            assert!(OpenAi::find(json.as_bytes()).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = OpenAi::find(&json);
            let json = serde_json::json!({"data": [{"b64_json": text}]}).to_string();
            let found = OpenAi::find(json.as_bytes()).unwrap();
            prop_assert_eq!(found, Found::Image(Text(Cow::Owned(text))));
        }
    }
}
