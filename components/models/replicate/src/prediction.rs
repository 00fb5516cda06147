//! A prediction, in the JSON of Replicate and Cog.

use std::borrow::Cow;

use concept_refinement_model_provider::{
    Answer, Error, Outcome, Picture, Settings, Stage, could_not_refine, message_in, no_image,
    parsed,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Prediction<'a> {
    id: Option<String>,
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    output: Picture<'a>,
    #[serde(default)]
    error: Value,
    /// Its output was removed, as Replicate does after an hour.
    #[serde(default)]
    data_removed: bool,
}

/// Parses the JSON of a prediction: its id and state. A state that is not known counts as
/// running until there is an output or an error.
pub fn read(json: &[u8], settings: &Settings) -> Result<(Option<String>, Stage), Error> {
    let prediction: Prediction<'_> = parsed(json)?;
    let status = prediction.status.as_deref().unwrap_or_default();
    let said = message_in(&prediction.error, settings.key.as_deref());
    let is_silent = said.is_none();
    let failed = || Outcome::Failed(Error::Refused(could_not_refine(said)));
    let outcome = match status {
        "starting" | "processing" | "queued" => return Ok((prediction.id, Stage::Running)),
        "failed" => failed(),
        "canceled" | "aborted" => Outcome::gone("the provider stopped the refinement"),
        _ if prediction.data_removed => Outcome::gone("the provider has removed the image"),
        _ => match Answer::of(prediction.output, settings) {
            Ok(Some(answer)) => Outcome::Answer(answer),
            Ok(None) if matches!(status, "succeeded" | "") => {
                Outcome::Failed(no_image(json, settings))
            }
            Ok(None) if is_silent => return Ok((prediction.id, Stage::Running)),
            Ok(None) => failed(),
            Err(error) => Outcome::Failed(error),
        },
    };
    Ok((prediction.id, Stage::Ended(outcome)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings() -> Settings {
        let settings = Settings::of(|name| match name {
            "model-url" => Some("http://cog.lan:5000".to_owned()),
            "model-api-key" => Some("hush".to_owned()),
            _ => None,
        });
        settings.unwrap()
    }

    #[test]
    fn a_prediction_runs_or_has_ended() {
        let at = |url: &str| {
            let location = Answer::Location(url.to_owned());
            Ok(Stage::Ended(Outcome::Answer(location)))
        };
        let here = || at("https://replicate.delivery/1.png");
        let failed = |reason: &str| Ok(Stage::Ended(Outcome::Failed(Error::refused(reason))));
        let broken = |reason: &str| Ok(Stage::Ended(Outcome::Failed(Error::broken(reason))));
        let gone = |reason: &str| Ok(Stage::Ended(Outcome::Gone(Error::refused(reason))));
        let nothing = || broken("the provider answered no image");
        let no_image = broken("the provider's answer is not an image");
        let told = failed("the provider answered no image: No, ***");
        let removed = gone("the provider has removed the image");
        let image = r#""https://replicate.delivery/1.png""#;
        for (output, expected) in [
            (image, here()),
            ("[]", nothing()),
            ("null", nothing()),
            (&format!(r#"{{"caption":"a cat","image":{image}}}"#), here()),
            (r#""/files/1.png""#, at("http://cog.lan:5000/files/1.png")),
            (r#""","error":"No, hush""#, told),
            (r#""a cat""#, no_image),
            (r#"null,"data_removed":true"#, removed),
            (&format!(r#"{image},"data_removed":false"#), here()),
        ] {
            let json = format!(r#"{{"id":"gm3q","status":"succeeded","output":{output}}}"#);
            let expected = expected.map(|stage| (Some("gm3q".to_owned()), stage));
            assert_eq!(read(json.as_bytes(), &settings()), expected, "{json}");
        }
        let could_not = "the provider could not refine the image";
        let running = || Ok(Stage::Running);
        let flagged = r#"{"status":"failed","error":"NSFW content detected.\nTraceback"}"#;
        let nsfw = failed(&format!("{could_not}: NSFW content detected"));
        let no = failed(&format!("{could_not}: No"));
        let stopped = gone("the provider stopped the refinement");
        let no_form = "the provider's answer is not JSON of the form that was expected";
        for (json, expected) in [
            (
                r#"{"id":"gm3q","status":"starting","output":null,"urls":{"get":"https://elsewhere.example"}}"#,
                running(),
            ),
            (r#"{"status":"processing"}"#, running()),
            (flagged, nsfw),
            (
                &format!(r#"{{"status":"failed","error":null,"output":{image}}}"#),
                failed(could_not),
            ),
            (r#"{"id":"gm3q","status":"booting","error":""}"#, running()),
            (r#"{"status":"booting","output":[]}"#, running()),
            (
                &format!(r#"{{"status":"finished","output":{image}}}"#),
                here(),
            ),
            (r#"{"status":"broken","error":{"message":"No"}}"#, no),
            (r#"{"status":"canceled"}"#, stopped),
            (r#"{"status":7}"#, Err(Error::broken(no_form))),
        ] {
            let named = json.contains("gm3q").then(|| "gm3q".to_owned());
            let expected = expected.map(|stage| (named, stage));
            assert_eq!(read(json.as_bytes(), &settings()), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = read(&json, &settings());
            let json = serde_json::json!({"status": "succeeded", "output": text}).to_string();
            let _ = read(json.as_bytes(), &settings());
        }
    }
}
