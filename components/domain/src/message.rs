//! The message that starts the pipeline, and the envelope of a Pub/Sub push.
//!
//! A message only points to a task: the stored task is processed, so nothing in the
//! message but the ids is trusted.

use base64::Engine;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::lenient_base64::BASE64;
use crate::task::Task;

const TASK_TYPE: &str = "concept_refinement";

/// More than any of our messages, whose fields are bounded by validation.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
const MAX_PUSH_BYTES: usize = 512 * 1024;

/// The message in the format of the original project. A description is empty if there is none.
#[derive(Serialize)]
struct TaskMessage<'a> {
    task_id: &'a str,
    user_id: &'a str,
    refinement_prompt: &'a str,
    original_image_url: &'a str,
    logo_description: &'a str,
    theme_description: &'a str,
    task_type: &'a str,
}

/// A parsed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// It names a task.
    Valid {
        /// Its id, as sent.
        task_id: String,
        /// Its user, as sent.
        user_id: String,
    },
    /// Unknown type, or id, prompt or URL missing: the task, if it is named, must fail.
    /// Trying again does not help.
    Unusable {
        /// Its id, if it is named.
        task_id: Option<String>,
        /// Its user, if named.
        user_id: Option<String>,
    },
    /// Not a JSON object. Trying again does not help.
    Nonsense,
}

/// The message that points to a task, in JSON.
pub fn message_for(task: &Task) -> Vec<u8> {
    let refinement = &task.refinement;
    let message = TaskMessage {
        task_id: &task.id,
        user_id: &task.user_id,
        refinement_prompt: &refinement.refinement_prompt,
        original_image_url: task.original_address(),
        logo_description: refinement.logo_description.as_deref().unwrap_or_default(),
        theme_description: refinement.theme_description.as_deref().unwrap_or_default(),
        task_type: TASK_TYPE,
    };
    serde_json::to_vec(&message).unwrap_or_default() // strings alone cannot fail
}

/// Parses a message of limited length. Only the ids are used.
pub fn parse(message: &[u8]) -> Parsed {
    let Some(fields) = object(message, MAX_MESSAGE_BYTES) else {
        return Parsed::Nonsense;
    };
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    };
    let usable = text("task_type").as_deref() == Some(TASK_TYPE)
        && text("refinement_prompt").is_some()
        && text("original_image_url").is_some();
    match (text("task_id"), text("user_id")) {
        (Some(task_id), Some(user_id)) if usable => Parsed::Valid { task_id, user_id },
        (task_id, user_id) => Parsed::Unusable { task_id, user_id },
    }
}

/// The message in a Pub/Sub push, `{"message":{"data":…,"messageId":…},"subscription":…}`.
/// Missing data means empty data, as in Pub/Sub. The error is a sentence for the sender; trying
/// again does not help.
pub fn parse_push(body: &[u8]) -> Result<Vec<u8>, String> {
    let envelope = object(body, MAX_PUSH_BYTES).ok_or("The push must be a JSON object.")?;
    let message = envelope
        .get("message")
        .and_then(Value::as_object)
        .ok_or("The push must hold a message.")?;
    let data = BASE64
        .decode(text(message, "data")?)
        .map_err(|_| "The data of the message must be base64.")?;
    // Nothing depends on them, but a push in which they are anything else is none.
    text(message, "messageId")?;
    text(&envelope, "subscription")?;
    Ok(data)
}

/// A string field; empty if it is absent or null.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("The {name} of the push must be a string.")),
    }
}

fn object(json: &[u8], max_bytes: usize) -> Option<Map<String, Value>> {
    if json.len() > max_bytes {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn task(prompt: &str, logo_description: Option<&str>) -> Task {
        let mut task = Task::example();
        task.refinement.refinement_prompt = prompt.into();
        task.refinement.logo_description = logo_description.map(Into::into);
        task
    }

    fn valid() -> Value {
        serde_json::from_slice(&message_for(&task("Make it lighter", None))).unwrap()
    }

    #[test]
    fn the_message_has_seven_fields() {
        let message = message_for(&task("Make it lighter", Some("A bean")));
        let message: Value = serde_json::from_slice(&message).unwrap();
        assert_eq!(
            message,
            json!({
                "task_id": "0190c0de-0000-7000-8000-000000000001",
                "user_id": "ada",
                "refinement_prompt": "Make it lighter",
                "original_image_url": "https://example.com/a.png",
                "logo_description": "A bean",
                "theme_description": "",
                "task_type": "concept_refinement",
            })
        );
    }

    #[test]
    fn a_message_without_its_parts_is_unusable() {
        for (name, field, value) in [
            ("unknown type", "task_type", json!("concept_generation")),
            ("no type", "task_type", Value::Null),
            ("a number for a type", "task_type", json!(1)),
            ("no prompt", "refinement_prompt", Value::Null),
            ("an empty prompt", "refinement_prompt", json!("")),
            ("a blank prompt", "refinement_prompt", json!(" \n")),
            ("a list for a prompt", "refinement_prompt", json!(["a"])),
            ("no URL", "original_image_url", Value::Null),
            ("an empty URL", "original_image_url", json!("")),
        ] {
            let mut message = valid();
            message[field] = value;
            let parsed = parse(message.to_string().as_bytes());
            let task_id = Some("0190c0de-0000-7000-8000-000000000001".into());
            let user_id = Some("ada".into());
            assert_eq!(parsed, Parsed::Unusable { task_id, user_id }, "{name}");
        }
    }

    #[test]
    fn an_id_that_is_missing_is_told() {
        let mut message = valid();
        message["user_id"] = json!(7);
        assert_eq!(
            parse(message.to_string().as_bytes()),
            Parsed::Unusable {
                task_id: Some("0190c0de-0000-7000-8000-000000000001".into()),
                user_id: None
            }
        );
        assert_eq!(
            parse(b"{}"),
            Parsed::Unusable {
                task_id: None,
                user_id: None
            }
        );
    }

    #[test]
    fn what_is_no_object_is_nonsense() {
        let deep = "[".repeat(100_000);
        let long = format!("{{\"a\":\"{}\"}}", "a".repeat(MAX_MESSAGE_BYTES));
        for message in [
            "",
            "null",
            "[]",
            "\"{}\"",
            "{",
            "{}x",
            "\u{feff}{}",
            &deep,
            &long,
        ] {
            assert_eq!(parse(message.as_bytes()), Parsed::Nonsense, "{message:.20}");
        }
        assert_eq!(parse(b"{\"task_id\":\"\xff\"}"), Parsed::Nonsense);
    }

    #[test]
    fn opens_a_push() {
        for (name, data) in [("padded", "aGk/Cg=="), ("not padded", "aGk/Cg")] {
            let push = json!({
                "message": {"data": data, "messageId": "136", "publishTime": "2026-11-20T12:00:00Z"},
                "subscription": "projects/p/subscriptions/s",
                "deliveryAttempt": 5,
            });
            let message = parse_push(push.to_string().as_bytes());
            assert_eq!(message, Ok(b"hi?\n".to_vec()), "{name}");
        }
        let empty = parse_push(br#"{"message":{"attributes":{"a":"b"}}}"#).unwrap();
        assert_eq!(empty, b"");
    }

    #[test]
    fn refuses_what_is_no_push() {
        let long = format!("{{\"a\":\"{}\"}}", "a".repeat(MAX_PUSH_BYTES));
        for body in [
            "",
            "[]",
            "{}",
            r#"{"message":null}"#,
            r#"{"message":"aGk="}"#,
            r#"{"message":{"data":7}}"#,
            r#"{"message":{"data":"a"}}"#,
            r#"{"message":{"data":"aGk_"}}"#,
            r#"{"message":{"data":"aGk=","messageId":1}}"#,
            r#"{"message":{"data":"aGk="},"subscription":{}}"#,
            &long,
        ] {
            assert!(parse_push(body.as_bytes()).is_err(), "{body:.60}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = parse_push(&bytes);
        }

        /// A valid message and a valid push with bytes changed or cut off.
        #[test]
        fn a_damaged_message_is_unusable_or_names_both(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            end in any::<prop::sample::Index>(),
        ) {
            let good = message_for(&task("Make it lighter", Some("A bean")));
            let push = json!({"message": {"data": BASE64.encode(&good), "messageId": "1"}});
            for mut bytes in [good, push.to_string().into_bytes()] {
                for (at, value) in &changes {
                    let at = at.index(bytes.len());
                    bytes[at] = *value;
                }
                for bytes in [&bytes[..], &bytes[..end.index(bytes.len())]] {
                    let _ = parse_push(bytes);
                    if let Parsed::Valid { task_id, user_id } = parse(bytes) {
                        prop_assert!(!task_id.trim().is_empty() && !user_id.trim().is_empty());
                    }
                }
            }
        }

        #[test]
        fn a_message_reads_back(prompt in "\\PC{1,40}[a-z]", user in "\\PC{0,20}[a-z]") {
            let mut task = task(&prompt, None);
            task.user_id.clone_from(&user);
            let expected = Parsed::Valid { task_id: task.id.clone(), user_id: user };
            prop_assert_eq!(parse(&message_for(&task)), expected);
        }

        #[test]
        fn a_push_carries_any_bytes(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let push = json!({"message": {"data": BASE64.encode(&data), "messageId": "1"}});
            prop_assert_eq!(parse_push(push.to_string().as_bytes()).unwrap(), data);
        }
    }
}
