//! Whole refinements by a provider in memory, which answers as the API's reference says.

use std::collections::VecDeque;
use std::time::Duration;

use concept_refinement_domain::payment::Usage;
use concept_refinement_model_provider::script::{KEY, Script, picture, settings};
use concept_refinement_model_provider::{Answer, Error};
use serde_json::{Value, json};

use crate::{Gemini, PROFILE};

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../samples/", $name, ".json"))
    };
}

const POST: &str = "post https://generativelanguage.googleapis.com/v1beta/models/gemini-nano-banana-2.1:generatecontent";

/// What comes of this answer, and the script that gave it.
fn asked(status: u16, sample: &str) -> (Result<Answer, Error>, Script) {
    let script = Script::of([(status, sample)]);
    let answer = script.refine::<Gemini>(&settings(PROFILE.url, &[]).unwrap(), None);
    assert_eq!(script.urls(), [POST]);
    assert!(script.kept.take().is_empty());
    (answer, script)
}

fn refined(status: u16, sample: &str) -> Result<Answer, Error> {
    asked(status, sample).0
}

#[test]
fn the_request_has_the_prompt_and_the_image() {
    let (answer, script) = asked(200, sample!("image"));
    assert!(answer.is_ok(), "{answer:?}");
    let asked = script.asked.take();
    assert_eq!(asked[0].field("x-goog-api-key"), Some(KEY));
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    let blob = &body["contents"][0]["parts"][1]["inlineData"];
    assert!(blob["data"].as_str().unwrap().starts_with("R0lG"));
    let expected = json!({
        "contents": [{"parts": [
            {"text": "lighter"},
            {"inlineData": {"mimeType": "image/gif", "data": blob["data"]}},
        ]}],
        "generationConfig": {"responseModalities": ["IMAGE"]},
    });
    assert_eq!(body, expected);
}

#[test]
fn the_image_is_the_one_that_is_no_draft() {
    for (name, sample) in [
        ("alone", sample!("image")),
        ("among drafts", sample!("drafts")),
    ] {
        let Ok(Answer::Image { chunks, .. }) = refined(200, sample) else {
            panic!("{name}: no image");
        };
        assert_eq!(chunks, VecDeque::from([picture(0)]), "{name}");
    }
}

#[test]
fn what_the_model_read_and_wrote_is_known() {
    for (sample, input_tokens, output_tokens) in [
        (sample!("image"), Some(267), Some(1120)),
        (sample!("drafts"), Some(267), Some(1430)),
        (sample!("image-safety"), Some(267), None),
    ] {
        let (_, script) = asked(200, sample);
        let expected = Usage {
            cost: None,
            input_tokens,
            output_tokens,
        };
        assert_eq!(script.usages.take(), [expected], "{sample}");
    }
    // Without counts, only an answer that cannot be used is told: its call was accepted.
    let image: Value = serde_json::from_str(sample!("image")).unwrap();
    let image = json!({"candidates": image["candidates"]}).to_string();
    let useless = r#"{"candidates":[{"finishReason":"STOP"}]}"#;
    for (answer, expected) in [
        (image.as_str(), [].as_slice()),
        (useless, &[Usage::default()]),
    ] {
        let (_, script) = asked(200, answer);
        assert_eq!(script.usages.take(), expected, "{answer}");
    }
}

#[test]
fn an_answer_without_an_image_says_why() {
    for (sample, expected) in [
        (
            sample!("image-safety"),
            "the provider withheld the image, since it is against its rules (IMAGE_SAFETY): \
             Unable to show the generated image. The image was filtered out because it violated \
             Google's Generative AI Prohibited Use policy. You will not be charged for blocked \
             images",
        ),
        (
            sample!("prompt-blocked"),
            "the provider refused the image or the prompt (PROHIBITED_CONTENT)",
        ),
        (
            sample!("words"),
            "the provider answered no image: I cannot change a picture that I cannot see",
        ),
        (
            sample!("no-image"),
            "the provider answered no image (NO_IMAGE)",
        ),
        (
            sample!("only-drafts"),
            "the provider answered no image (MAX_TOKENS)",
        ),
    ] {
        assert_eq!(refined(200, sample), Err(Error::refused(expected)));
    }
}

#[test]
fn a_request_that_is_not_accepted_is_told() {
    for (status, sample, expected) in [
        (
            400,
            sample!("no-key"),
            Error::Unauthorized("the provider refused the key".to_owned()),
        ),
        (
            400,
            sample!("invalid"),
            Error::refused(
                "the provider answered 400: Unable to process input image. Please retry or report \
                 in https://developers.generativeai.google/guide/troubleshooting",
            ),
        ),
        (
            429,
            sample!("quota"),
            Error::Unavailable {
                reason: "the provider answered 429: You exceeded your current quota, please check \
                    your plan and billing details. For more information on this error, head to: \
                    https://ai.google.dev/gemini-api/docs/rate-limits"
                    .to_owned(),
                retry_after: Some(Duration::from_secs(37)),
                is_rate_limit: true,
            },
        ),
        (
            503,
            sample!("overloaded"),
            Error::unavailable("the provider answered 503"),
        ),
    ] {
        assert_eq!(refined(status, sample), Err(expected));
    }
}

#[test]
fn a_name_is_that_of_a_model() {
    for (name, expected) in [
        ("gemini-3-pro-image", true),
        ("../x", false),
        ("a:b", false),
    ] {
        let settings = settings(PROFILE.url, &[("model-name", name)]).unwrap();
        let script = Script::of([(503, "")]);
        let error = script.refine::<Gemini>(&settings, None).unwrap_err();
        assert_eq!(script.urls().len(), usize::from(expected), "{name}");
        let refused = Error::refused("the setting model-name names no model of Gemini");
        assert_eq!(error == refused, !expected, "{name}");
    }
}
