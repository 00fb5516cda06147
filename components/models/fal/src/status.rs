//! The status of a request in the queue.

use std::borrow::Cow;

use concept_refinement_model_provider::{Error, Settings, could_not_refine, message_in, parsed};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(default)]
    error: Value,
}

/// The status of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Status {
    Running,
    /// Its result can be read, and may say more than the failure that is told here.
    Ended {
        failure: Option<Error>,
    },
}

/// Parses the JSON of a status. One that is not known counts as running until there is an
/// error. An error: it is not of the form that the provider documents.
pub fn read(json: &[u8], settings: &Settings) -> Result<Status, Error> {
    let answer: Answer<'_> = parsed(json)?;
    let said = message_in(&answer.error, settings.key.as_deref());
    let failure = said.map(|said| Error::Refused(could_not_refine(Some(said))));
    Ok(match &*answer.status {
        "IN_QUEUE" | "IN_PROGRESS" => Status::Running,
        "COMPLETED" => Status::Ended { failure },
        _ if failure.is_some() => Status::Ended { failure },
        _ => Status::Running,
    })
}

#[cfg(test)]
mod tests {
    use concept_refinement_model_provider::script::settings;
    use proptest::prelude::*;

    use super::*;
    use crate::PROFILE;

    #[test]
    fn a_status_says_how_far_a_request_is() {
        let settings = settings(PROFILE.url, &[]).unwrap();
        let failed = |reason: &str| Status::Ended {
            failure: Some(Error::refused(reason)),
        };
        let no = "the provider could not refine the image: No, ***";
        for (json, expected) in [
            (include_str!("../samples/submitted.json"), Status::Running),
            (include_str!("../samples/in-queue.json"), Status::Running),
            (include_str!("../samples/in-progress.json"), Status::Running),
            (r#"{"status":"WARMING_UP","error":null}"#, Status::Running),
            (
                include_str!("../samples/completed.json"),
                Status::Ended { failure: None },
            ),
            (
                r#"{"status":"COMPLETED","error":"No, sk-hush."}"#,
                failed(no),
            ),
            (
                r#"{"status":"FAILED","error":{"message":"No, sk-hush"}}"#,
                failed(no),
            ),
        ] {
            assert_eq!(read(json.as_bytes(), &settings), Ok(expected), "{json}");
        }
        assert!(read(b"{}", &settings).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in any::<Vec<u8>>(), status in any::<String>(), error in any::<String>()) {
            let settings = settings(PROFILE.url, &[]).unwrap();
            let _ = read(&json, &settings);
            let json = serde_json::json!({"status": status, "error": error}).to_string();
            prop_assert!(read(json.as_bytes(), &settings).is_ok());
        }
    }
}
