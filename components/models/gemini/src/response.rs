//! What a model answered: an image, or why there is none.

use std::borrow::Cow;

use concept_refinement_domain::payment::Usage;
use concept_refinement_model_provider::{Answer, Error, Picture, Settings, parsed, said_in};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    #[serde(borrow, default)]
    candidates: Vec<Candidate<'a>>,
    #[serde(borrow, default)]
    prompt_feedback: Feedback<'a>,
}

/// What the model read and wrote, thoughts included.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Counts {
    usage_metadata: Tokens,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Tokens {
    prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

/// Why the request was not passed on to the model.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Cow<'a, str>,
    #[serde(borrow)]
    block_reason_message: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    finish_reason: Cow<'a, str>,
    #[serde(borrow)]
    finish_message: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<Part<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Part<'a> {
    /// A thought or a draft, rather than what the model answers.
    thought: bool,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    inline_data: Blob<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Blob<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// What is said of the work. What is not is unknown.
pub fn usage(json: &[u8]) -> Usage {
    let counts: Counts = serde_json::from_slice(json).unwrap_or_default();
    let tokens = counts.usage_metadata;
    let thoughts = tokens.thoughts_token_count.unwrap_or_default();
    let written = tokens.candidates_token_count;
    Usage {
        cost: None,
        input_tokens: tokens.prompt_token_count,
        output_tokens: written.map(|written| written.saturating_add(thoughts)),
    }
}

/// The last image that is no draft. An error: there is none, with the reason.
pub fn read(json: &[u8], settings: &Settings) -> Result<Answer, Error> {
    let mut response: Response<'_> = parsed(json)?;
    for candidate in &mut response.candidates {
        let parts = candidate.content.parts.iter_mut().rev();
        let mut images = parts.filter(|part| !part.thought && !part.inline_data.data.is_empty());
        if let Some(part) = images.next() {
            let data = std::mem::take(&mut part.inline_data.data);
            if let Some(answer) = Answer::of(Picture::Image(data), settings)? {
                return Ok(answer);
            }
        }
    }
    Err(Error::Refused(why(&response, settings.key.as_deref())))
}

/// Why there is no image, as a sentence.
fn why(response: &Response<'_>, key: Option<&str>) -> String {
    let feedback = &response.prompt_feedback;
    let none = Candidate::default();
    let candidate = response.candidates.first().unwrap_or(&none);
    let (sentence, reason, said) = match &*feedback.block_reason {
        "" => {
            let reason = &*candidate.finish_reason;
            (refused(reason), reason, words(candidate))
        }
        reason => (
            "the provider refused the image or the prompt",
            reason,
            &*feedback.block_reason_message,
        ),
    };
    let mut why = sentence.to_owned();
    if !matches!(reason, "" | "STOP") {
        why.push_str(&format!(" ({})", said_in(reason, key)));
    }
    if !said.trim().is_empty() {
        why.push_str(&format!(": {}", said_in(said, key)));
    }
    why
}

/// What is said of an answer without an image that ended for this reason.
fn refused(reason: &str) -> &'static str {
    const WITHHELD: [&str; 8] = [
        "SAFETY",
        "IMAGE_SAFETY",
        "PROHIBITED_CONTENT",
        "IMAGE_PROHIBITED_CONTENT",
        "RECITATION",
        "IMAGE_RECITATION",
        "BLOCKLIST",
        "SPII",
    ];
    match WITHHELD.contains(&reason) {
        true => "the provider withheld the image, since it is against its rules",
        false => "the provider answered no image",
    }
}

/// What the API says of the end, or else what the model says instead of an image.
fn words<'a>(candidate: &'a Candidate<'_>) -> &'a str {
    if !candidate.finish_message.trim().is_empty() {
        return &candidate.finish_message;
    }
    let mut parts = candidate.content.parts.iter();
    let said = parts.find(|part| !part.thought && !part.text.trim().is_empty());
    said.map_or("", |part| &part.text)
}

#[cfg(test)]
mod tests {
    use concept_refinement_model_provider::script::settings;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::PROFILE;

    #[test]
    fn a_reason_is_told_in_a_sentence() {
        let settings = settings(PROFILE.url, &[]).unwrap();
        let withheld = "the provider withheld the image, since it is against its rules";
        let none = "the provider answered no image";
        let refused = "the provider refused the image or the prompt";
        for (json, expected) in [
            (json!({}), none.to_owned()),
            (json!({"candidates": []}), none.to_owned()),
            (
                json!({"candidates": [{"finishReason": "STOP"}]}),
                none.to_owned(),
            ),
            (
                json!({"candidates": [{"finishReason": "SPII", "finishMessage": "No, sk-hush."}]}),
                format!("{withheld} (SPII): No, ***"),
            ),
            (
                json!({"candidates": [{"finishReason": "IMAGE_RECITATION"}]}),
                format!("{withheld} (IMAGE_RECITATION)"),
            ),
            (
                json!({"candidates": [{"finishReason": "A_NEW_ONE\n"}]}),
                format!("{none} (A_NEW_ONE)"),
            ),
            (
                json!({"candidates": [{"content": {"parts": [{"inlineData": {"data": ""}}]}}]}),
                none.to_owned(),
            ),
            (
                json!({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}}),
                format!("{refused} (OTHER): No"),
            ),
        ] {
            let answer = read(json.to_string().as_bytes(), &settings);
            assert_eq!(answer, Err(Error::Refused(expected)), "{json}");
        }
    }

    #[test]
    fn an_image_is_not_copied_before_it_is_decoded() {
        let json = br#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"R0lG"}}]}}]}"#;
        let response: Response<'_> = serde_json::from_slice(json).unwrap();
        let data = &response.candidates[0].content.parts[0].inline_data.data;
        assert!(matches!(data, Cow::Borrowed("R0lG")));
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), text in any::<String>(), thought: bool) {
            let settings = settings(PROFILE.url, &[]).unwrap();
            let _ = read(&json, &settings);
            let part = json!({"text": text, "thought": thought});
            let image = json!({"inlineData": {"data": text}, "thought": thought});
            for parts in [json!([part]), json!([part, image])] {
                let candidate = json!({"content": {"parts": parts}, "finishReason": text});
                let json = json!({"candidates": [candidate]}).to_string();
                if let Err(Error::Refused(reason)) = read(json.as_bytes(), &settings) {
                    prop_assert!(reason.chars().count() <= 500, "{}", reason);
                    prop_assert!(!reason.chars().any(char::is_control), "{}", reason);
                }
            }
        }
    }
}
