//! The result of a request, as its model answered it.

use std::borrow::Cow;

use concept_refinement_model_provider::{Answer, Error, Outcome, Settings, said_in};
use serde::Deserialize;

/// What some models tell beside their images.
#[derive(Default, Deserialize)]
struct Check {
    /// What is true here was painted black.
    #[serde(default)]
    has_nsfw_concepts: Vec<bool>,
}

/// Why there are no images.
#[derive(Deserialize)]
struct Failure<'a> {
    #[serde(borrow)]
    detail: Detail<'a>,
    /// Of a failure that is the request's, rather than that of asking about it.
    #[serde(borrow, default)]
    error_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail<'a> {
    /// Of the queue.
    Sentence(#[serde(borrow)] Cow<'a, str>),
    /// Of the model.
    Problems(#[serde(borrow)] Vec<Problem<'a>>),
}

/// It also has the input, which may be as long as the original.
#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow, default)]
    msg: Cow<'a, str>,
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
}

/// The outcome by this answer about a request that has ended. None: the answer is not about
/// the request, but says that it cannot be asked about.
pub fn read(status: u16, json: &[u8], settings: &Settings) -> Option<Outcome> {
    match status {
        200..=299 => return Some(answered(json, settings)),
        404 | 410 => return Some(forgotten()),
        401 | 403 | 408 | 429 => return None,
        _ => {}
    }
    let failure: Failure<'_> = serde_json::from_slice(json).ok()?;
    let is_typed = failure.error_type.is_some();
    let (said, is_moderation) = match &failure.detail {
        // The work may have ended well.
        Detail::Sentence(_) if status >= 500 && !is_typed => return None,
        Detail::Sentence(sentence) => (sentence.as_ref(), false),
        Detail::Problems(problems) => {
            let is_moderation = |problem: &&Problem<'_>| problem.kind == "content_policy_violation";
            let moderation = problems.iter().find(is_moderation);
            let problem = moderation.or(problems.first())?;
            (problem.msg.as_ref(), moderation.is_some())
        }
    };
    let sentence = match is_moderation {
        true => "the provider refused the image or the prompt",
        false => "the provider could not refine the image",
    };
    let reason = match said.trim() {
        "" => sentence.to_owned(),
        said => format!("{sentence}: {}", said_in(said, settings.key.as_deref())),
    };
    Some(match status {
        // No runner was there for it, or the runner was lost: it costs nothing, and another
        // request may succeed.
        502..=504 if is_typed => Outcome::Gone(Error::unavailable(reason)),
        _ => Outcome::Failed(Error::Refused(reason)),
    })
}

/// The outcome of a request that the provider does not know.
pub fn forgotten() -> Outcome {
    Outcome::gone("the provider no longer knows the refinement")
}

fn answered(json: &[u8], settings: &Settings) -> Outcome {
    let check: Check = serde_json::from_slice(json).unwrap_or_default();
    if check.has_nsfw_concepts.contains(&true) {
        let reason = "the provider withheld the image, since it is against its rules";
        return Outcome::Failed(Error::refused(reason));
    }
    match Answer::from_json(json, settings) {
        Ok(answer) => Outcome::Answer(answer),
        Err(error) => Outcome::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_model_provider::script::settings;
    use proptest::prelude::*;

    use super::*;
    use crate::PROFILE;

    #[test]
    fn a_result_is_an_image_or_says_why_there_is_none() {
        let settings = settings(PROFILE.url, &[]).unwrap();
        let at = |url: &str| Some(Outcome::Answer(Answer::Location(url.to_owned())));
        let failed = |reason: &str| Some(Outcome::Failed(Error::refused(reason)));
        let upscaled = at("https://v3b.fal.media/files/b/0a8f/upscaled.png");
        let withheld = failed("the provider withheld the image, since it is against its rules");
        let shown =
            r#"{"images":[{"url":"https://v3.fal.media/1.png"}],"has_nsfw_concepts":[false]}"#;
        let no_image = Some(Outcome::Failed(Error::broken(
            "the provider answered no image",
        )));
        let could_not = "the provider could not refine the image";
        let required = failed(&format!("{could_not}: Field required"));
        let no = failed(&format!("{could_not}: No, ***"));
        let not_found = include_str!("../samples/not-found.json");
        let died = r#"{"detail":"The runner died","error_type":"runner_disconnected"}"#;
        let runner = failed(&format!("{could_not}: The runner died"));
        for (status, json, expected) in [
            (200, include_str!("../samples/one-image.json"), upscaled),
            (200, include_str!("../samples/withheld.json"), withheld),
            (200, shown, at("https://v3.fal.media/1.png")),
            (200, r#"{"images":[]}"#, no_image),
            (422, include_str!("../samples/invalid.json"), required),
            (400, r#"{"detail":"No, sk-hush"}"#, no),
            (400, r#"{"detail":" "}"#, failed(could_not)),
            (404, not_found, Some(forgotten())),
            (422, r#"{"detail":[]}"#, None),
            (429, include_str!("../samples/rate-limit.json"), None),
            (403, include_str!("../samples/no-balance.json"), None),
            (401, include_str!("../samples/no-key.json"), None),
            (502, "<html>", None),
            (503, r#"{"detail":"Service Unavailable"}"#, None),
            (500, r#"{"detail":"Internal Server Error"}"#, None),
            (500, died, runner),
            (500, "", None),
        ] {
            assert_eq!(read(status, json.as_bytes(), &settings), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100u16..600, json in any::<Vec<u8>>(), text in any::<String>()) {
            let settings = settings(PROFILE.url, &[]).unwrap();
            let _ = read(status, &json, &settings);
            for json in [
                serde_json::json!({"detail": text, "images": [{"url": text}]}),
                serde_json::json!({"detail": [{"msg": text, "type": text}], "image": text}),
            ] {
                let read = read(status, json.to_string().as_bytes(), &settings);
                if let Some(Outcome::Failed(Error::Refused(reason))) = read {
                    prop_assert!(reason.chars().count() <= 300, "{}", reason);
                    prop_assert!(!reason.chars().any(char::is_control), "{}", reason);
                }
            }
        }
    }
}
