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

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Answer, Body, ByteStream, Contents, Error, Model, Original, Ports, Question, Request, Settings,
    Takes,
};
use serde_json::{Map, Value};

pub struct Replicate;

#[cfg(target_arch = "wasm32")]
concept_refinement_model_provider::export_model!(Replicate);

const PROFILE: &Profile = provider::Provider::Replicate.profile();

impl Model for Replicate {
    const DESCRIPTION: &'static str = "Images are refined by a model at Replicate, or on a \
        server that Cog built, which gets the image and the prompt.";

    /// What the operator names an input for: there is no common strength.
    fn takes(settings: &Settings, _: bool) -> Takes {
        Takes {
            strength: false,
            seed: settings.seed.is_some(),
            mask: settings.mask.is_some(),
        }
    }

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        request: Request,
        original: impl ByteStream + 'static,
    ) -> Result<Answer, Error> {
        let original = Contents::open(original, request.length).await?;
        let question = Question::new(request, settings, ports.random());
        let own = PROFILE.model.filter(|_| settings.base.is(PROFILE.url));
        match settings.name.as_deref().or(own) {
            Some(name) => hosted::refine(ports, settings, name, &question, original).await,
            None => cog::refine(ports, settings, &question, original).await,
        }
    }
}

/// The model's input for the original: its name, and whether it is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Input<'a> {
    name: &'a str,
    is_list: bool,
}

impl<'a> Input<'a> {
    /// The configured one, else the model's default, else `image`.
    fn of(settings: &'a Settings, model: Option<&str>) -> Self {
        let by_default = match model {
            Some(_) if model == PROFILE.model => "input_images[]",
            Some(_) | None => "image",
        };
        let input = settings.input.as_deref().unwrap_or(by_default);
        match input.strip_suffix("[]") {
            Some(name) => Self {
                name,
                is_list: true,
            },
            None => Self {
                name: input,
                is_list: false,
            },
        }
    }

    /// The inputs with the original as a data URL.
    fn with_data(
        self,
        question: &Question,
        settings: &Settings,
        original: &Original,
    ) -> Result<Body, Error> {
        let (open, close) = if self.is_list { ("[", "]") } else { ("", "") };
        let head = format!("{open}\"data:{};base64,", original.format.media_type());
        let tail = format!("\"{close}");
        let fields = inputs(question, settings);
        let body = Body::json_with_image(&fields, self.name, (&head, &tail), original)?;
        Ok(body.within("{\"input\":", "}"))
    }

    /// The inputs with the original's URL.
    fn with_url(self, question: &Question, settings: &Settings, url: &str) -> Result<Body, Error> {
        let mut fields = inputs(question, settings);
        let image = match self.is_list {
            true => serde_json::json!([url]),
            false => url.into(),
        };
        fields.insert(self.name.to_owned(), image);
        Ok(Body::json(&fields)?.within("{\"input\":", "}"))
    }
}

/// The inputs except for the original. A mask is white where the image is to change.
fn inputs(question: &Question, settings: &Settings) -> Map<String, Value> {
    let seed = settings.seed.as_ref().zip(question.seed);
    let mask = settings.mask.as_ref().zip(question.mask.as_ref());
    let mask = mask.map(|(name, mask)| {
        let url = format!("data:image/png;base64,{}", STANDARD.encode(mask));
        (name.clone(), url.into())
    });
    let mut inputs = Map::new();
    inputs.insert("prompt".to_owned(), question.prompt.as_str().into());
    inputs.extend(seed.map(|(name, seed)| (name.clone(), seed.into())));
    inputs.extend(mask);
    inputs
}

/// Whether an id is safe as a path segment.
fn is_segment(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !id.is_empty() && id.len() <= 100 && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_the_models_own() {
        let settings = |input: &str| {
            let settings = Settings::of(|name| match name {
                "model-url" => Some(PROFILE.url.to_owned()),
                "model-input" => Some(input.to_owned()),
                _ => None,
            });
            settings.unwrap()
        };
        for (input, model, name, is_list) in [
            ("", None, "image", false),
            ("", PROFILE.model, "input_images", true),
            ("", Some("a/b"), "image", false),
            ("image_input[]", Some("a/b"), "image_input", true),
            ("photo", PROFILE.model, "photo", false),
        ] {
            let settings = settings(input);
            let expected = Input { name, is_list };
            assert_eq!(
                Input::of(&settings, model),
                expected,
                "{input} of {model:?}"
            );
        }
    }

    #[test]
    fn an_id_leads_nowhere_else() {
        for (id, expected) in [
            ("gm3qorzdhgbfurvjtvhg6dckhu", true),
            ("0b7a9f3c-6a0f-4f0c-9a55-5d1c9d7f1a2b", true),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("a?b", false),
            ("a%2fb", false),
        ] {
            assert_eq!(is_segment(id), expected, "{id}");
        }
    }
}
