//! The status of work, as the provider tells it.

use std::borrow::Cow;

use concept_refinement_model_provider::{
    Answer, Error, Outcome, Settings, Stage, could_not_refine, message_in, no_image, parsed,
    said_in,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    result: Option<Sample<'a>>,
    #[serde(default)]
    details: Value,
}

#[derive(Deserialize)]
struct Sample<'a> {
    #[serde(borrow, default)]
    sample: Option<Cow<'a, str>>,
}

/// Parses the JSON of a poll. A status that is not known counts as running. An error: it is
/// not of the form that the provider documents.
pub fn read(json: &[u8], settings: &Settings) -> Result<Stage, Error> {
    let report: Report<'_> = parsed(json)?;
    let key = settings.key.as_deref();
    let sample = report.result.and_then(|result| result.sample);
    let moderated = |sentence| {
        let reason = with_reasons(sentence, &report.details, key);
        Outcome::Failed(Error::Refused(reason))
    };
    Ok(Stage::Ended(match &*report.status {
        "Ready" => match sample {
            Some(url) => Outcome::Answer(Answer::Location(settings.base.resolved(url.trim()))),
            None => Outcome::Failed(no_image(json, settings)),
        },
        "Request Moderated" => moderated("the provider refused the image or the prompt"),
        "Content Moderated" => {
            moderated("the provider withheld the image, since it is against its rules")
        }
        "Error" | "Failed" => {
            let reason = could_not_refine(message_in(&report.details, key));
            Outcome::Failed(Error::Broken(reason))
        }
        "Task not found" => Outcome::gone("the provider no longer knows the refinement"),
        _ => return Ok(Stage::Running),
    }))
}

/// A sentence with the reasons that the provider gives, if it gives some.
fn with_reasons(sentence: &str, details: &Value, key: Option<&str>) -> String {
    let reasons = details.get("Moderation Reasons").and_then(Value::as_array);
    let reasons: Vec<_> = reasons
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match reasons.is_empty() {
        true => sentence.to_owned(),
        false => format!("{sentence} ({})", said_in(&reasons.join(", "), key)),
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_model_provider::script::settings;
    use proptest::prelude::*;

    use super::*;
    use crate::PROFILE;

    #[test]
    fn a_status_says_how_far_work_is() {
        let settings = settings(PROFILE.url, &[]).unwrap();
        let ended = |outcome| Ok(Stage::Ended(outcome));
        let ready = |url: &str| ended(Outcome::Answer(Answer::Location(url.to_owned())));
        let failed = |error: Error| ended(Outcome::Failed(error));
        for (json, expected) in [
            (r#"{"status":"Pending"}"#, Ok(Stage::Running)),
            (r#"{"status":"Queued","result":null}"#, Ok(Stage::Running)),
            (r#"{"status":"Reviewing","details":[]}"#, Ok(Stage::Running)),
            (
                r#"{"status":"Ready","result":{"sample":" https://delivery.bfl.ai/1.png "}}"#,
                ready("https://delivery.bfl.ai/1.png"),
            ),
            (
                r#"{"status":"Ready","result":{"sample":"/1.png","prompt":"https://x.example"}}"#,
                ready("https://api.bfl.ai/1.png"),
            ),
            (
                r#"{"status":"Ready","result":{"sample":null},"details":{"error":"Sorry, sk-hush"}}"#,
                failed(Error::broken("the provider answered no image")),
            ),
            (
                r#"{"status":"Ready","result":null}"#,
                failed(Error::broken("the provider answered no image")),
            ),
            (
                r#"{"status":"Request Moderated","details":null}"#,
                failed(Error::refused(
                    "the provider refused the image or the prompt",
                )),
            ),
            (
                r#"{"status":"Content Moderated","details":{"Moderation Reasons":["A","sk-hush"]}}"#,
                failed(Error::refused(
                    "the provider withheld the image, since it is against its rules (A, ***)",
                )),
            ),
            (
                r#"{"status":"Failed","details":{"message":"No"}}"#,
                failed(Error::broken("the provider could not refine the image: No")),
            ),
            (
                r#"{"status":"Error"}"#,
                failed(Error::broken("the provider could not refine the image")),
            ),
            (
                r#"{"id":"1f8c"}"#,
                Err(Error::broken(
                    "the provider's answer is not JSON of the form that was expected",
                )),
            ),
        ] {
            assert_eq!(read(json.as_bytes(), &settings), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), status in any::<String>(), text in any::<String>()) {
            let settings = settings(PROFILE.url, &[]).unwrap();
            let _ = read(&json, &settings);
            for status in [status.as_str(), "Ready", "Error", "Request Moderated"] {
                let details = serde_json::json!({"Moderation Reasons": [text], "error": text});
                let result = serde_json::json!({"sample": text});
                let json = serde_json::json!({"status": status, "result": result, "details": details});
                let read = read(json.to_string().as_bytes(), &settings).unwrap();
                if let Stage::Ended(Outcome::Failed(
                    Error::Refused(reason) | Error::Broken(reason),
                )) = read
                {
                    prop_assert!(reason.chars().count() <= 300, "{}", reason);
                    prop_assert!(!reason.chars().any(char::is_control), "{}", reason);
                }
            }
        }
    }
}
