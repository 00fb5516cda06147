//! Looks the configured model up in its provider's list of models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_domain::provider::{Authorization, ModelList};
use concept_refinement_domain::sentence::sanitize;
use serde_json::Value;

/// Longest model name or date that is quoted.
const MAX_CHARS: usize = 100;

/// What a list says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    Fine,
    /// Its last day.
    Ends(String),
    /// It is not there, or the list cannot be read: a warning.
    Problem(String),
}

/// The authorization header for this key.
pub fn authorization(list: &ModelList, key: &str) -> String {
    match list.authorization {
        Authorization::Bearer => format!("Bearer {key}"),
        Authorization::Basic => format!("Basic {}", STANDARD.encode(key)),
    }
}

/// The model, with a warning if there is one. `announced` is its last day as far as it is
/// known here: a day in the provider's list is newer, and a list without one says nothing
/// of it. None: nothing is known of the model.
pub fn detail(model: &str, listed: Option<Listed>, announced: Option<&str>) -> Option<String> {
    let ends_on = |day: &str| Some(format!("the provider shuts it down on {day}"));
    let warning = match (listed, announced) {
        (None, None) => return None,
        (Some(Listed::Ends(day)), _) => ends_on(&day),
        (_, Some(day)) => ends_on(day),
        (Some(Listed::Problem(problem)), None) => Some(problem),
        (Some(Listed::Fine), None) => None,
    };
    Some(match warning {
        Some(warning) => format!("{model}; warning: {warning}"),
        None => model.to_owned(),
    })
}

/// Reads the list.
pub fn listed(list: &ModelList, json: &[u8], model: &str) -> Listed {
    let unreadable = || Listed::Problem("the provider's list of models cannot be read".to_owned());
    let Ok(document) = serde_json::from_slice::<Value>(json) else {
        return unreadable();
    };
    let models = match list.field {
        Some(field) => document.get(field),
        None => Some(&document),
    };
    let Some(models) = models.and_then(Value::as_array) else {
        return unreadable();
    };
    let is_chosen = |entry: &&Value| {
        let mut names = list.names.iter();
        names.any(|name| entry.get(name).and_then(Value::as_str) == Some(model))
    };
    match models.iter().find(is_chosen) {
        Some(chosen) => match chosen.get("shutdown_date").and_then(Value::as_str) {
            Some(day) => Listed::Ends(sanitize(day, MAX_CHARS)),
            None => Listed::Fine,
        },
        None => Listed::Problem("it is not in the provider's list of models".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::provider::Provider;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_that_ends_or_is_missing_is_warned_of() {
        let openai = json!({"object": "list", "data": [
            {"id": "gpt-image-2.6-sunburst", "object": "model", "shutdown_date": null},
            {"id": "gpt-image-1.5", "object": "model", "shutdown_date": "2026-12-01"},
            {"id": "local", "object": "model"},
        ]});
        let missing = || Listed::Problem("it is not in the provider's list of models".to_owned());
        let unreadable =
            || Listed::Problem("the provider's list of models cannot be read".to_owned());
        let checkpoints = json!([{"title": "flux.safetensors [ab12]", "model_name": "flux"}]);
        for (provider, list, model, expected) in [
            (
                Provider::OpenAi,
                &openai,
                "gpt-image-2.6-sunburst",
                Listed::Fine,
            ),
            (Provider::OpenAi, &openai, "local", Listed::Fine),
            (
                Provider::OpenAi,
                &openai,
                "gpt-image-1.5",
                Listed::Ends("2026-12-01".to_owned()),
            ),
            (Provider::OpenAi, &openai, "gpt-image-1", missing()),
            (Provider::OpenAi, &json!({"data": []}), "a", missing()),
            (Provider::OpenAi, &json!({"error": "x"}), "a", unreadable()),
            (Provider::Automatic1111, &checkpoints, "flux", Listed::Fine),
            (
                Provider::Automatic1111,
                &checkpoints,
                "flux.safetensors [ab12]",
                Listed::Fine,
            ),
            (Provider::Automatic1111, &checkpoints, "sdxl", missing()),
            (Provider::Automatic1111, &json!({}), "sdxl", unreadable()),
        ] {
            let of_provider = provider.profile().model_list.as_ref().unwrap();
            let json = list.to_string();
            let listed = listed(of_provider, json.as_bytes(), model);
            assert_eq!(listed, expected, "{provider:?}: {model}");
        }
    }

    #[test]
    fn what_a_provider_says_now_is_newer_than_what_it_announced() {
        let ends = |day: &str| Some(Listed::Ends(day.to_owned()));
        let odd = || Some(Listed::Problem("it is odd".to_owned()));
        let announced = Some("2026-12-01");
        let shut_down =
            |day: &str| Some(format!("m; warning: the provider shuts it down on {day}"));
        for (listed, announced, expected) in [
            (None, None, None),
            (Some(Listed::Fine), None, Some("m".to_owned())),
            (odd(), None, Some("m; warning: it is odd".to_owned())),
            (ends("2027-01-01"), announced, shut_down("2027-01-01")),
            (None, announced, shut_down("2026-12-01")),
            (odd(), announced, shut_down("2026-12-01")),
            (Some(Listed::Fine), announced, shut_down("2026-12-01")),
        ] {
            let name = format!("{listed:?}, {announced:?}");
            let detail = detail("m", listed, announced);
            assert_eq!(detail, expected, "{name}");
        }
    }
}
