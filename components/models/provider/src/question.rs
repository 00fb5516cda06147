//! The request to a provider.

use std::time::Duration;

use concept_refinement_domain::aspect;
use concept_refinement_domain::original::{AllowedSources, check_url};

use crate::settings::Settings;

/// What a provider is asked: the request of the interface `image-model` without the image, with
/// the settings applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The prompt with the descriptions.
    pub prompt: String,
    /// 0 to 1, as people write it: 0.7, and not the nearest number of 32 bits.
    pub strength: f64,
    pub seed: Option<u32>,
    /// What is to change, as a PNG whose white pixels do.
    pub mask: Option<Vec<u8>>,
    /// How many pixels of the mask's edge will blend.
    pub mask_feather: u32,
    /// A URL from which the provider may download the original, if the operator allows that
    /// and the URL is public.
    pub source_url: Option<String>,
    /// An unpredictable number.
    pub random: u128,
    /// The same whenever the task is repeated.
    pub task_id: String,
    /// The receipt that an earlier call for this task stored.
    pub receipt: Option<Vec<u8>>,
    /// How much time the task has left.
    pub time_left: Duration,
}

/// The URL of the original, if the operator lets providers download originals, and this one
/// is public.
pub fn source_url(url: Option<String>, settings: &Settings) -> Option<String> {
    let is_public = |url: &String| check_url(url, &AllowedSources::default()).is_ok();
    url.filter(|_| settings.original_by_url).filter(is_public)
}

/// With the few digits that name a number of 32 bits.
pub fn strength(strength: f32) -> f64 {
    match strength.clamp(0.0, 1.0).to_string().parse() {
        Ok(number) if !f64::is_nan(number) => number,
        Ok(_) | Err(_) => 0.0,
    }
}

/// The prompt, followed by a sentence on the logo and one on its theme, if they are
/// described, and last by what is to be preserved. Without descriptions the prompt is
/// unchanged.
pub fn enriched(prompt: &str, logo: Option<&str>, theme: Option<&str>) -> String {
    let described = |what: &str, description: Option<&str>| {
        let description = description?.trim();
        (!description.is_empty()).then(|| sentence(&format!("{what}: {description}")))
    };
    let descriptions: Vec<String> = [described("Logo", logo), described("Theme", theme)]
        .into_iter()
        .flatten()
        .collect();
    match descriptions.is_empty() {
        true => prompt.to_owned(),
        false => {
            let (prompt, aspects) = aspect::divide(prompt);
            let described = format!("{} {}", sentence(prompt.trim()), descriptions.join(" "));
            aspect::prompt_with(&described, &aspects)
        }
    }
}

/// Adds a full stop if there is no punctuation.
fn sentence(text: &str) -> String {
    match text.ends_with(|end: char| end.is_alphanumeric() || matches!(end, ')' | '"' | '\'')) {
        true => format!("{text}."),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_follow_the_prompt() {
        for (prompt, logo, theme, expected) in [
            ("lighter", None, None, "lighter"),
            ("lighter ", Some(" "), Some(""), "lighter "),
            ("lighter", Some("A cup"), None, "lighter. Logo: A cup."),
            ("lighter!", None, Some("Warm."), "lighter! Theme: Warm."),
            (
                "Make the logo more minimalist and use lighter shades of brown",
                Some("A modern coffee shop logo with coffee beans"),
                Some("Warm brown tones, natural feeling"),
                "Make the logo more minimalist and use lighter shades of brown. \
                 Logo: A modern coffee shop logo with coffee beans. \
                 Theme: Warm brown tones, natural feeling.",
            ),
            ("もっと明るく", Some("猫"), None, "もっと明るく. Logo: 猫."),
            (
                "lighter Preserve the following aspects: layout, colors",
                Some("A cup"),
                Some("Warm"),
                "lighter. Logo: A cup. Theme: Warm. \
                 Preserve the following aspects: layout, colors",
            ),
        ] {
            assert_eq!(enriched(prompt, logo, theme), expected);
        }
    }

    #[test]
    fn a_strength_is_between_0_and_1() {
        for (strength, expected) in [
            (0.7, 0.7),
            (0.123_456_79, 0.123_456_79),
            (-1.0, 0.0),
            (9.0, 1.0),
            (f32::NAN, 0.0),
            (f32::INFINITY, 1.0),
        ] {
            assert_eq!(super::strength(strength), expected, "{strength}");
        }
    }

    #[test]
    fn a_provider_gets_public_urls_only_and_where_that_is_allowed() {
        let public = "https://pictures.example/cup.png";
        for (original, url, is_given) in [
            ("url", public, true),
            ("bytes", public, false),
            ("", public, false),
            ("url", "http://127.0.0.1/cup.png", false),
            ("url", "http://10.0.0.7/cup.png", false),
            ("url", "ftp://pictures.example/cup.png", false),
        ] {
            let settings = Settings::of(|name| match name {
                "model-url" => Some("https://provider.example/".to_owned()),
                "model-original" => Some(original.to_owned()),
                _ => None,
            });
            let given = source_url(Some(url.to_owned()), &settings.unwrap());
            assert_eq!(given.is_some(), is_given, "{original} {url}");
        }
    }
}
