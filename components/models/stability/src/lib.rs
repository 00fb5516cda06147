//! Stability AI's image-to-image as an image model.
//!
//! Format: the REST API v2beta (`/v2beta/stable-image/…`) in its reference, as of October
//! 2026. The model's name selects the endpoint: `sd3.5-…` and `ultra` start from the
//! original and take a strength; `structure`, `sketch` and `style` keep that aspect of
//! it. There is no documented idempotency key.
//!
//! It requests JSON, since raw bytes would not tell that an image was blurred by the
//! content filter.

use concept_refinement_domain::model_name;
use concept_refinement_model_provider::{
    Error, Found, HttpRequest, Multipart, Original, Provider, Question, Settings, Text,
};
use serde::Deserialize;

pub struct Stability;

#[cfg(target_arch = "wasm32")]
concept_refinement_model_provider::export_model!(Stability);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    image: Option<Text<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

/// The path of a model, and the field that controls how much it may change the original.
#[derive(Debug, PartialEq, Eq)]
struct Endpoint {
    path: &'static str,
    /// The field for the strength.
    strength: Strength,
    /// Whether the request must say that there is an original, and name the model.
    is_named: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Strength {
    /// Strength of the change.
    Change(&'static str),
    /// Weight of the original.
    Original(&'static str),
}

/// None: there is no such model.
fn endpoint(model: &str) -> Option<Endpoint> {
    let (path, strength) = match model {
        "ultra" => (
            "/v2beta/stable-image/generate/ultra",
            Strength::Change("strength"),
        ),
        "structure" => (
            "/v2beta/stable-image/control/structure",
            Strength::Original("control_strength"),
        ),
        "sketch" => (
            "/v2beta/stable-image/control/sketch",
            Strength::Original("control_strength"),
        ),
        "style" => (
            "/v2beta/stable-image/control/style",
            Strength::Original("fidelity"),
        ),
        model if model.starts_with("sd3") => (
            "/v2beta/stable-image/generate/sd3",
            Strength::Change("strength"),
        ),
        _ => return None,
    };
    Some(Endpoint {
        path,
        strength,
        is_named: model.starts_with("sd3"),
    })
}

impl Provider for Stability {
    const DESCRIPTION: &'static str =
        "The image-to-image of Stability AI, asked at its API with the operator's key.";

    fn request(
        question: &Question,
        original: &Original,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let model = settings.name.as_deref().unwrap_or(model_name::STABILITY);
        let endpoint = endpoint(model)
            .ok_or_else(|| settings.refused("name", "names no model of Stability AI"))?;
        let (name, strength) = match endpoint.strength {
            Strength::Change(name) => (name, question.strength),
            Strength::Original(name) => (name, 1.0 - question.strength),
        };
        let strength = format!("{strength:.2}");
        let mut fields = vec![
            ("prompt", question.prompt.as_str()),
            (name, &strength),
            ("output_format", "png"),
        ];
        if endpoint.is_named {
            fields.extend([("mode", "image-to-image"), ("model", model)]);
        }
        let form = Multipart::new(question.random);
        let body = form.body(&fields, "image", original);
        let request = HttpRequest::post(endpoint.path, form.content_type(), body);
        Ok(request
            .accepting("application/json")
            .with_bearer(settings.key.as_deref()))
    }

    fn find(json: &[u8]) -> serde_json::Result<Found<'_>> {
        let answer: Answer<'_> = serde_json::from_slice(json)?;
        let reason = answer.finish_reason.map(|reason| reason.0);
        Ok(match (answer.image, reason.as_deref()) {
            (_, Some("CONTENT_FILTERED")) => Found::Refused(
                "the provider withheld the image, since it is against its rules".to_owned(),
            ),
            (Some(image), _) => Found::Image(image),
            (None, _) => Found::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_image_is_found_unless_it_was_blurred() {
        for (json, expected) in [
            (
                r#"{"image":"R0lG","finish_reason":"SUCCESS","seed":7}"#,
                Found::Image(Text(Cow::Borrowed("R0lG"))),
            ),
            (
                r#"{"image":"R0lG"}"#,
                Found::Image(Text(Cow::Borrowed("R0lG"))),
            ),
            (
                r#"{"image":"R0lG","finish_reason":"CONTENT_FILTERED","seed":7}"#,
                Found::Refused(
                    "the provider withheld the image, since it is against its rules".to_owned(),
                ),
            ),
            (r#"{"id":"a","name":"b","errors":["c"]}"#, Found::Nothing),
        ] {
            assert_eq!(
                Stability::find(json.as_bytes()).unwrap(),
                expected,
                "{json}"
            );
        }
        for json in ["", r#"{"image":7}"#, r#"{"image":"R0"#, "[]x"] {
            assert!(Stability::find(json.as_bytes()).is_err(), "{json}");
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
            assert_eq!(
                endpoint(model).map(|endpoint| endpoint.path),
                path,
                "{model}"
            );
        }
        assert!(endpoint(model_name::STABILITY).is_some());
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = Stability::find(&json);
            let json = serde_json::json!({"image": text}).to_string();
            let found = Stability::find(json.as_bytes()).unwrap();
            prop_assert_eq!(found, Found::Image(Text(Cow::Owned(text))));
        }
    }
}
