//! Error messages of providers.

use concept_refinement_domain::redaction::Redaction;
use concept_refinement_domain::sentence::sanitize;
use serde_json::Value;

use crate::places::without_places;

/// How many bytes of an error body are read.
pub const MAX_BYTES: usize = 64 * 1024;

/// Longest message, in code points.
const MAX_CHARS: usize = 200;

/// The fields of a message, and fields that contain one: the most informative first.
const NAMES: [&str; 10] = [
    "message",
    "msg",
    "error_message",
    "error_description",
    "errors",
    "detail",
    "error",
    "description",
    "reason",
    "title",
];

/// The first line of the provider's message, sanitized and without the key: in JSON of any
/// form, or plain text. An HTML page is ignored.
pub fn message(body: &[u8], key: Option<&str>) -> Option<String> {
    if let Ok(json) = serde_json::from_slice(body) {
        return message_in(&json, key);
    }
    let text = str::from_utf8(body).ok()?.trim();
    let is_plain = !text.is_empty() && !text.starts_with(['<', '{', '[']);
    is_plain.then(|| said_in(text, key))
}

/// The same in this JSON.
pub fn message_in(json: &Value, key: Option<&str>) -> Option<String> {
    words(json).map(|words| said_in(words, key))
}

/// The sentence about work that failed, with what the provider says of it.
pub fn could_not_refine(said: Option<String>) -> String {
    let sentence = "the provider could not refine the image".to_owned();
    match said {
        Some(said) => format!("{sentence}: {said}"),
        None => sentence,
    }
}

fn words(json: &Value) -> Option<&str> {
    match json {
        Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        Value::Array(items) => items.iter().find_map(words),
        Value::Object(fields) => NAMES.iter().find_map(|name| words(fields.get(*name)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The first line of this message, sanitized, and without the key and places.
pub fn said_in(message: &str, key: Option<&str>) -> String {
    let message = Redaction::of(key).apply(message);
    let line = message.trim().lines().next().unwrap_or_default();
    sanitize(&without_places(line.trim_end_matches('.')), MAX_CHARS)
}

/// Whether the provider refuses the content rather than the key, although the status
/// suggests the latter (Stability AI: 403).
pub fn is_moderation(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body)
        .is_ok_and(|body| body.get("name").and_then(Value::as_str) == Some("content_moderation"))
}

/// Whether a message is about money that is missing.
pub fn is_about_money(message: &str) -> bool {
    has_word(message, &["balance", "credit", "credits"])
}

/// Whether a message is about the key rather than the content.
pub fn is_about_key(message: &str) -> bool {
    const WORDS: [&str; 14] = [
        "access",
        "account",
        "authentication",
        "authorization",
        "authorized",
        "billing",
        "credentials",
        "key",
        "permission",
        "permissions",
        "subscription",
        "token",
        "unauthenticated",
        "unauthorized",
    ];
    message.trim().eq_ignore_ascii_case("forbidden") || has_word(message, &WORDS)
}

fn has_word(message: &str, known: &[&str]) -> bool {
    let message = message.to_lowercase();
    let mut words = message.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| known.contains(&word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_found_where_the_apis_have_them() {
        for (name, body, expected) in [
            (
                "OpenAI",
                r#"{"error":{"message":"Invalid image.","type":"invalid_request_error","param":"image","code":null}}"#,
                Some("Invalid image"),
            ),
            (
                "JigsawStack",
                r#"{"success":false,"message":"Invalid payload"}"#,
                Some("Invalid payload"),
            ),
            (
                "FastAPI",
                r#"{"detail":[{"loc":["body","steps"],"msg":"value is not a valid integer","type":"type_error"}]}"#,
                Some("value is not a valid integer"),
            ),
            (
                "FastAPI, a sentence",
                r#"{"detail":"Init image not found"}"#,
                Some("Init image not found"),
            ),
            (
                "Stability AI",
                r#"{"id":"a3dc","name":"content_moderation","errors":["Your request was flagged.","x"]}"#,
                Some("Your request was flagged"),
            ),
            (
                "several, the first empty",
                r#"{"error":"OutOfMemory","message":"","detail":" "}"#,
                Some("OutOfMemory"),
            ),
            (
                "several lines",
                "{\"error\":\"No\\nTraceback (most recent call last)\"}",
                Some("No"),
            ),
            (
                "what cannot be printed",
                "{\"error\":\"a\\u202eb\\u0007c\"}",
                Some("a\u{fffd}b\u{fffd}c"),
            ),
            (
                "a web UI",
                r#"{"error":"OutOfMemoryError","detail":"","errors":"CUDA out of memory"}"#,
                Some("CUDA out of memory"),
            ),
            (
                "Replicate",
                r#"{"title":"Payment Required","detail":"You lack credit.","status":402}"#,
                Some("You lack credit"),
            ),
            (
                "nested",
                r#"{"detail":{"error":{"message":"No logos"}}}"#,
                Some("No logos"),
            ),
            (
                "nested in a list",
                r#"{"errors":[{},{"message":"No logos"}]}"#,
                Some("No logos"),
            ),
            (
                "a short name",
                r#"{"code":4,"msg":"No logos"}"#,
                Some("No logos"),
            ),
            ("only text in JSON", r#""No logos""#, Some("No logos")),
            ("plain text", "No logos:\ntoo small", Some("No logos:")),
            (
                "a path",
                r#"{"error":"cannot open /srv/models/x.bin"}"#,
                Some("cannot open …"),
            ),
            ("no message", r#"{"error":7,"message":null}"#, None),
            ("half of JSON", r#"{"error":"No"#, None),
            ("a list", "[]", None),
            ("a page", "<html>No</html>", None),
            ("nothing", "", None),
        ] {
            assert_eq!(
                message(body.as_bytes(), None).as_deref(),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_message_is_about_the_key_or_about_the_picture() {
        for (message, expected) in [
            ("Incorrect API key provided", true),
            ("Forbidden", true),
            ("You have insufficient permissions for this operation", true),
            ("Unauthorized", true),
            ("The image shows a person", false),
            ("Your request was rejected by our safety system", false),
            ("Forbidden keyword: monkey", false),
            ("The author of this picture is known", false),
        ] {
            assert_eq!(is_about_key(message), expected, "{message}");
        }
        for (message, expected) in [
            (
                "Exhausted balance. Top up at fal.ai/dashboard/billing",
                true,
            ),
            ("You have no Credits left", true),
            ("A picture of accreditation", false),
        ] {
            assert_eq!(is_about_money(message), expected, "{message}");
        }
    }

    #[test]
    fn a_message_is_short_and_without_the_key() {
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(5_000));
        assert_eq!(message(long.as_bytes(), None).unwrap().chars().count(), 200);
        for (key, said, expected) in [
            ("sk-hush", "the key sk-hush, sk-hush", "the key ***, ***"),
            ("me:hush", "Basic me:hush", "Basic ***"),
            ("me:hush", "hush is wrong", "*** is wrong"),
        ] {
            let body = format!(r#"{{"error":"{said}"}}"#);
            let answer = message(body.as_bytes(), Some(key));
            assert_eq!(answer.as_deref(), Some(expected));
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = message(&body, Some("key"));
            let json = serde_json::json!({"error": {"message": text}}).to_string();
            if let Some(answer) = message(json.as_bytes(), Some("key")) {
                prop_assert!(answer.chars().count() <= MAX_CHARS);
                prop_assert!(!answer.chars().any(char::is_control));
            }
        }
    }
}
