//! The details of an error in the form of Google's APIs (`google.rpc.Status`), which say
//! more than its status.

use serde_json::Value;

/// Whether the key was refused, although the status is 400.
pub fn is_key_refused(body: &[u8]) -> bool {
    text(body, "reason").is_some_and(|reason| reason == "API_KEY_INVALID")
}

/// When to try again, as `Retry-After` says it: in whole seconds.
pub fn retry_after(body: &[u8]) -> Option<String> {
    let delay = text(body, "retryDelay")?;
    let seconds = delay.strip_suffix('s')?;
    let (whole, is_more) = match seconds.split_once('.') {
        Some((whole, fraction)) => (whole, fraction.bytes().any(|digit| digit != b'0')),
        None => (seconds, false),
    };
    let whole: u64 = whole.parse().ok()?;
    Some(whole.saturating_add(is_more.into()).to_string())
}

/// The first text with this name.
fn text(body: &[u8], name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut details = body.get("error")?.get("details")?.as_array()?.iter();
    let text = details.find_map(|detail| detail.get(name)?.as_str())?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(details: &str) -> Vec<u8> {
        format!(r#"{{"error":{{"code":429,"message":"No","details":{details}}}}}"#).into_bytes()
    }

    #[test]
    fn a_key_may_be_refused_in_details() {
        for (details, expected) in [
            (r#"[{"@type":"x","reason":"API_KEY_INVALID"}]"#, true),
            (r#"[{"locale":"en-US"},{"reason":"API_KEY_INVALID"}]"#, true),
            (r#"[{"reason":"RATE_LIMIT_EXCEEDED"}]"#, false),
            (r#"[{"reason":7},"API_KEY_INVALID"]"#, false),
            ("[]", false),
            ("null", false),
        ] {
            assert_eq!(is_key_refused(&body(details)), expected, "{details}");
        }
        assert!(!is_key_refused(br#"{"reason":"API_KEY_INVALID"}"#));
    }

    #[test]
    fn a_delay_is_told_in_seconds() {
        for (delay, expected) in [
            ("37s", Some("37")),
            ("36.000s", Some("36")),
            ("36.28457s", Some("37")),
            ("0s", Some("0")),
            ("s", None),
            ("-3s", None),
            ("37", None),
            ("1m", None),
        ] {
            let details = format!(r#"[{{"links":[]}},{{"retryDelay":"{delay}"}}]"#);
            assert_eq!(retry_after(&body(&details)).as_deref(), expected, "{delay}");
        }
        assert_eq!(retry_after(b"{}"), None);
    }

    proptest! {
        #[test]
        fn no_body_panics(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            let details = serde_json::json!([{"retryDelay": text, "reason": text}]).to_string();
            for body in [bytes, body(&details)] {
                let _ = (is_key_refused(&body), retry_after(&body));
            }
        }
    }
}
