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

use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Contents, Error, HttpRequest, Multipart, Provider, Question, Settings, Taken,
};
use serde::Deserialize;

const PROFILE: &Profile = provider::Provider::OpenAi.profile();

pub struct OpenAi;

concept_refinement_model_provider::export_model!(OpenAi);

/// What is not documented, such as on compatible servers, is unknown.
#[derive(Default, Deserialize)]
struct Document {
    #[serde(default)]
    usage: Tokens,
}

#[derive(Default, Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Provider for OpenAi {
    const DESCRIPTION: &'static str = "Images are refined by OpenAI, or by a server with \
        the same API, which gets the image and the prompt.";

    fn takes(_: &Settings, _: bool) -> Vec<Taken> {
        vec![Taken::Mask]
    }

    fn usage(json: &[u8]) -> Usage {
        let document: Document = serde_json::from_slice(json).unwrap_or_default();
        Usage {
            cost: None,
            input_tokens: document.usage.input_tokens,
            output_tokens: document.usage.output_tokens,
        }
    }

    fn request(
        question: &Question,
        original: Contents,
        settings: &Settings,
    ) -> Result<HttpRequest, Error> {
        let model = settings.name_or_default(PROFILE);
        let fields = [("model", model), ("n", "1"), ("prompt", &question.prompt)];
        let form = Multipart::new(question.random);
        let mask = question.mask.as_deref().map(mask::transparent).transpose();
        let mask = mask.map_err(|_| Error::refused("the mask cannot be read"))?;
        let body = form.body(&fields, mask.as_deref(), "image", "image", original);
        let request = HttpRequest::post("/v1/images/edits", form.content_type(), body);
        Ok(request.with_bearer(settings.key.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_read_and_wrote_is_known_where_it_is_said() {
        for (json, input_tokens, output_tokens) in [
            (
                r#"{"created":1,"data":[{"b64_json":"R0lG"}],"usage":{"input_tokens":50,"output_tokens":60,"total_tokens":110,"input_tokens_details":{"image_tokens":40,"text_tokens":10}}}"#,
                Some(50),
                Some(60),
            ),
            (r#"{"usage":{"output_tokens":0}}"#, None, Some(0)),
            (r#"{"data":[]}"#, None, None),
            (r#"{"usage":null}"#, None, None),
            (r#"{"usage":{"input_tokens":-1}}"#, None, None),
            (r#"{"usage"#, None, None),
        ] {
            let expected = Usage {
                cost: None,
                input_tokens,
                output_tokens,
            };
            assert_eq!(OpenAi::usage(json.as_bytes()), expected, "{json}");
        }
    }
}
