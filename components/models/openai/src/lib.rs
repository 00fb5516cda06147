//! OpenAI's image edits as an image model, and whatever server speaks the same
//! language.
//!
//! It knows no strength: how much changes, the prompt says.

mod multipart;

use concept_refinement_model_provider::{First, Found, Original, Post, Provider, Question, Text};
use serde::Deserialize;

use multipart::Multipart;

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(
        unsafe_code,
        reason = "what exports a component talks to the canonical ABI"
    )]

    type Model = concept_refinement_model_provider::component::Component<crate::OpenAi>;
    concept_refinement_model_provider::component::export!(Model);
}

pub struct OpenAi;

/// It always answers base64, so that nothing need be said of the form.
const MODEL: &str = "gpt-image-1";

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: First<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    b64_json: Option<Text<'a>>,
    /// What some servers answer instead.
    url: Option<String>,
}

impl Provider for OpenAi {
    const DESCRIPTION: &'static str =
        "The image edits of OpenAI, or of a server with the same API, asked over HTTP.";

    fn post(
        question: &Question,
        original: &Original,
        key: Option<&str>,
    ) -> serde_json::Result<Post> {
        let fields = [("model", MODEL), ("n", "1"), ("prompt", &question.prompt)];
        let multipart = Multipart::new(question.random);
        Ok(Post {
            path: "/v1/images/edits",
            content_type: multipart.content_type(),
            credentials: key.map(|key| ("authorization", format!("Bearer {key}"))),
            body: multipart.body(&fields, "image", original),
        })
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
