//! Validates the formats of a link's settings. Errors are ends of sentences, as for all
//! settings.

use concept_refinement_capability::service_url;
use concept_refinement_runtime::egress::Origin;
use url::Url;

use crate::config::forms::word;

/// Longest workflow, in bytes: each instance of the model gets it.
const MAX_WORKFLOW: usize = 256 << 10;

pub(super) fn base_url(text: &str) -> Result<Url, String> {
    service_url::parse(text)
        .filter(|url| Origin::of_url(url).is_some())
        .ok_or_else(|| {
            "must be an http or https URL without user information, query and fragment".to_owned()
        })
}

/// Checks that it is one of the allowed words. The model interprets it.
pub(super) fn original(text: &str) -> Result<(), String> {
    word("model-original", text).map(drop)
}

/// Reads the text of a workflow.
///
/// # Errors
///
/// There is no such file, or it is not a JSON object.
pub(super) fn workflow(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    if text.len() > MAX_WORKFLOW {
        let most = MAX_WORKFLOW >> 10;
        return Err(format!("{path:?} is larger than {most} KiB"));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("{path:?} is no workflow in JSON: {error}")),
    }
}

/// Checks that it is a valid name.
pub(super) fn line(text: &str) -> Result<(), String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        _ if text.chars().any(char::is_control) => Err("must be one line".to_owned()),
        _ => Ok(()),
    }
}

/// Checks that the key fits into a header. The error does not quote it.
pub(super) fn key(text: &str) -> Result<(), String> {
    match text {
        "" => Err("must not be empty".to_owned()),
        text if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(()),
        _ => Err("must be one line of visible ASCII characters".to_owned()),
    }
}
