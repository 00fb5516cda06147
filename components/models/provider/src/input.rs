//! The inputs of a hosted model, which each model names itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::model::Taken;
use crate::original::Contents;
use crate::outcome::Error;
use crate::question::Question;
use crate::settings::Settings;

/// The model's input for the original: its name, and whether it is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    pub name: &'a str,
    pub is_list: bool,
}

impl<'a> Input<'a> {
    /// The configured one, or else this one: `NAME`, or `NAME[]` for a list.
    pub fn of(settings: &'a Settings, by_default: &'a str) -> Self {
        let input = settings.input.as_deref().unwrap_or(by_default);
        let list = input.strip_suffix("[]");
        Self {
            name: list.unwrap_or(input),
            is_list: list.is_some(),
        }
    }

    /// What the operator names an input for: there is no common strength.
    pub fn takes(settings: &Settings) -> Vec<Taken> {
        let seed = settings.seed.as_ref().map(|_| Taken::Seed);
        let mask = settings.mask.as_ref().map(|_| Taken::Mask);
        seed.into_iter().chain(mask).collect()
    }

    /// A JSON object of the inputs, with the original as a data URL. An error: they cannot
    /// be written.
    pub fn with_data(
        self,
        question: &Question,
        settings: &Settings,
        original: Contents,
    ) -> Result<Body, Error> {
        let (open, close) = if self.is_list { ("[", "]") } else { ("", "") };
        let media_type = original.properties().format.media_type();
        let head = format!("{open}\"data:{media_type};base64,");
        let tail = format!("\"{close}");
        let fields = inputs(question, settings);
        Ok(Body::json_with_image(
            &fields,
            self.name,
            (&head, &tail),
            original,
        )?)
    }

    /// A JSON object of the inputs, with the original's URL. An error: they cannot be
    /// written.
    pub fn with_url(
        self,
        question: &Question,
        settings: &Settings,
        url: &str,
    ) -> Result<Body, Error> {
        let mut fields = inputs(question, settings);
        let image = match self.is_list {
            true => serde_json::json!([url]),
            false => url.into(),
        };
        fields.insert(self.name.to_owned(), image);
        Ok(Body::json(&fields)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_the_models_own() {
        for (configured, by_default, name, is_list) in [
            ("", "image", "image", false),
            ("", "input_images[]", "input_images", true),
            ("image_input[]", "image", "image_input", true),
            ("photo", "input_images[]", "photo", false),
        ] {
            let settings = Settings::of(|name| match name {
                "model-url" => Some("http://host".to_owned()),
                "model-input" => Some(configured.to_owned()),
                _ => None,
            });
            let settings = settings.unwrap();
            let input = Input::of(&settings, by_default);
            assert_eq!(input, Input { name, is_list }, "{configured}");
        }
    }
}
