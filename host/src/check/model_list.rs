//! Looks the configured model up in its provider's list of models.

use concept_refinement_domain::sentence::sanitize;
use serde_json::Value;

/// Longest model name or date that is quoted.
const MAX_CHARS: usize = 100;

/// The path, below the base URL, where a provider lists its models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelList {
    /// `GET /v1/models`: ids, and dates of shutdown.
    OpenAi,
    /// `GET /sdapi/v1/sd-models`: titles and names of checkpoints.
    Automatic1111,
}

impl ModelList {
    /// The list of this provider. None: it has no such list.
    pub fn of(provider: &str) -> Option<Self> {
        match provider {
            "openai" => Some(Self::OpenAi),
            "automatic1111" => Some(Self::Automatic1111),
            _ => None,
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/models",
            Self::Automatic1111 => "/sdapi/v1/sd-models",
        }
    }

    /// The authorization header for this key.
    pub fn authorization(self, key: &str) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        match self {
            Self::OpenAi => format!("Bearer {key}"),
            Self::Automatic1111 => format!("Basic {}", STANDARD.encode(key)),
        }
    }

    /// A warning about the model, if there is one.
    pub fn warning(self, list: &Value, model: &str) -> Option<String> {
        let models = match self {
            Self::OpenAi => list.get("data"),
            Self::Automatic1111 => Some(list),
        };
        let Some(models) = models.and_then(Value::as_array) else {
            return Some("the provider's list of models cannot be read".to_owned());
        };
        let names: &[_] = match self {
            Self::OpenAi => &["id"],
            Self::Automatic1111 => &["title", "model_name"],
        };
        let is_chosen = |entry: &&Value| {
            let mut names = names.iter();
            names.any(|name| entry.get(name).and_then(Value::as_str) == Some(model))
        };
        let Some(chosen) = models.iter().find(is_chosen) else {
            return Some("it is not in the provider's list of models".to_owned());
        };
        let date = chosen.get("shutdown_date").and_then(Value::as_str)?;
        let date = sanitize(date, MAX_CHARS);
        Some(format!("the provider shuts it down on {date}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_that_ends_or_is_missing_is_warned_of() {
        let openai = json!({"object": "list", "data": [
            {"id": "gpt-image-2.6-sunburst", "object": "model", "shutdown_date": null},
            {"id": "gpt-image-1.5", "object": "model", "shutdown_date": "2026-12-01"},
            {"id": "local", "object": "model"},
        ]});
        let missing = Some("it is not in the provider's list of models");
        let unreadable = Some("the provider's list of models cannot be read");
        let checkpoints = json!([{"title": "flux.safetensors [ab12]", "model_name": "flux"}]);
        for (kind, list, model, expected) in [
            (ModelList::OpenAi, &openai, "gpt-image-2.6-sunburst", None),
            (ModelList::OpenAi, &openai, "local", None),
            (
                ModelList::OpenAi,
                &openai,
                "gpt-image-1.5",
                Some("the provider shuts it down on 2026-12-01"),
            ),
            (ModelList::OpenAi, &openai, "gpt-image-1", missing),
            (ModelList::OpenAi, &json!({"data": []}), "a", missing),
            (ModelList::OpenAi, &json!({"error": "x"}), "a", unreadable),
            (ModelList::Automatic1111, &checkpoints, "flux", None),
            (
                ModelList::Automatic1111,
                &checkpoints,
                "flux.safetensors [ab12]",
                None,
            ),
            (ModelList::Automatic1111, &checkpoints, "sdxl", missing),
            (ModelList::Automatic1111, &json!({}), "sdxl", unreadable),
        ] {
            let warning = kind.warning(list, model);
            assert_eq!(warning.as_deref(), expected, "{kind:?}: {model}");
        }
    }
}
