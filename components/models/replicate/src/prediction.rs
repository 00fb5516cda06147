//! A prediction, in the JSON of Replicate and Cog.

use concept_refinement_model_provider::{Answer, Error, First, Found, Text};
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
struct Prediction<'a> {
    id: Option<String>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    output: Option<Output<'a>>,
    error: Option<serde_json::Value>,
    /// Its output was removed, as Replicate does after an hour.
    #[serde(default)]
    data_removed: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Output<'a> {
    One(#[serde(borrow)] Text<'a>),
    /// The first of several outputs.
    Several(#[serde(borrow)] First<Text<'a>>),
    Other(IgnoredAny),
}

/// The state of a prediction.
#[derive(Debug, PartialEq, Eq)]
pub enum Stage {
    Running,
    Ended(Outcome),
}

/// The outcome of a prediction.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Answer(Answer),
    /// It was cancelled, or its output was removed.
    Gone(Error),
}

/// Parses the JSON of a prediction: its id and state.
pub fn read(json: &[u8], key: Option<&str>) -> Result<(Option<String>, Stage), Error> {
    let (mut id, mut is_running, mut is_gone) = (None, false, false);
    let answer = Answer::from_json(json, key, |json| {
        let prediction: Prediction<'_> = serde_json::from_slice(json)?;
        id = prediction.id;
        Ok(match prediction.status.as_ref().map(|status| &*status.0) {
            Some("starting" | "processing" | "queued") => {
                is_running = true;
                Found::Nothing
            }
            Some("failed") => Found::Refused(match &prediction.error {
                Some(serde_json::Value::String(error)) => {
                    format!("the provider could not refine the image: {error}")
                }
                Some(_) | None => "the provider could not refine the image".to_owned(),
            }),
            Some("canceled" | "aborted") => {
                is_gone = true;
                Found::Refused("the provider stopped the refinement".to_owned())
            }
            _ if prediction.data_removed => {
                is_gone = true;
                Found::Refused("the provider has removed the image".to_owned())
            }
            _ => match prediction.output {
                Some(Output::One(text) | Output::Several(First(Some(text)))) => found(text),
                Some(Output::Several(First(None)) | Output::Other(_)) | None => Found::Nothing,
            },
        })
    });
    let stage = match answer {
        _ if is_running => Stage::Running,
        Err(error) if is_gone => Stage::Ended(Outcome::Gone(error)),
        answer => Stage::Ended(Outcome::Answer(answer?)),
    };
    Ok((id, stage))
}

/// An output is a data URL or an address.
fn found(text: Text<'_>) -> Found<'_> {
    match text.0.starts_with("data:") {
        true => Found::Image(text),
        false => Found::Location(text.0.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_prediction_runs_or_has_ended() {
        let here = || {
            Ok(Stage::Ended(Outcome::Answer(Answer::Location(
                "https://replicate.delivery/1.png".to_owned(),
            ))))
        };
        let refused = |reason: &str| Err(Error::refused(reason));
        let nothing = || refused("the provider answered no image");
        for (json, expected) in [
            (
                r#"{"id":"gm3q","status":"starting","output":null,"urls":{"get":"https://elsewhere.example"}}"#,
                Ok(Stage::Running),
            ),
            (r#"{"status":"processing"}"#, Ok(Stage::Running)),
            (
                r#"{"id":"gm3q","status":"succeeded","output":"https://replicate.delivery/1.png"}"#,
                here(),
            ),
            (
                r#"{"status":"succeeded","output":["https://replicate.delivery/1.png","https://replicate.delivery/2.png"]}"#,
                here(),
            ),
            (r#"{"status":"succeeded","output":[]}"#, nothing()),
            (r#"{"status":"succeeded","output":{"a":1}}"#, nothing()),
            (r#"{"status":"succeeded","output":null}"#, nothing()),
            (
                r#"{"status":"failed","error":"NSFW content detected.\nTraceback"}"#,
                refused("the provider could not refine the image: NSFW content detected."),
            ),
            (
                r#"{"status":"failed","error":null}"#,
                refused("the provider could not refine the image"),
            ),
            (
                r#"{"status":"canceled"}"#,
                Ok(Stage::Ended(Outcome::Gone(Error::refused(
                    "the provider stopped the refinement",
                )))),
            ),
            (
                r#"{"status":"succeeded","output":null,"data_removed":true}"#,
                Ok(Stage::Ended(Outcome::Gone(Error::refused(
                    "the provider has removed the image",
                )))),
            ),
            (
                r#"{"id":"gm3q","status":"succeeded","output":"https://replicate.delivery/1.png","data_removed":false}"#,
                here(),
            ),
            (
                r#"{"status":7}"#,
                refused("the provider's answer is not JSON of the form that was expected"),
            ),
        ] {
            let expected = match expected {
                Err(Error::Refused(reason)) => {
                    Err(Error::Refused(reason.trim_end_matches('.').to_owned()))
                }
                other => other,
            };
            let named = json.contains("gm3q").then(|| "gm3q".to_owned());
            let expected = expected.map(|stage| (named, stage));
            assert_eq!(read(json.as_bytes(), None), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = read(&json, Some("key"));
            let json = serde_json::json!({"status": "succeeded", "output": text}).to_string();
            let _ = read(json.as_bytes(), None);
        }
    }
}
