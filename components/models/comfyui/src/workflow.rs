//! A workflow in ComfyUI's API format, with named inputs.
//!
//! A named input is a text `{{image}}`, `{{mask}}`, `{{prompt}}`, `{{strength}}`, `{{seed}}`
//! or `{{name}}` in the workflow. If it is the whole value, numbers are inserted as numbers.

use serde_json::{Map, Value};

/// The values of the named inputs.
pub struct Inputs<'a> {
    /// The original, under the name that the server gave it.
    pub image: &'a str,
    /// The same of the mask. Without one it is the original, as a workflow that needs both
    /// can then be used.
    pub mask: Option<&'a str>,
    pub prompt: &'a str,
    pub strength: f64,
    pub seed: u64,
    /// The value of the setting `model-name`.
    pub name: Option<&'a str>,
}

/// Parses the setting `model-workflow`. The error says what is wrong with it.
pub fn parse(text: Option<&str>) -> Result<Value, &'static str> {
    let text = text.ok_or("is missing")?;
    let nodes: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| "is not a JSON object")?;
    Ok(nodes.into())
}

/// A workflow, or a part of it, with the values of its named inputs.
pub fn filled(value: Value, inputs: &Inputs<'_>) -> Value {
    match value {
        Value::String(text) => replaced(text, inputs),
        Value::Array(items) => items.into_iter().map(|item| filled(item, inputs)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, filled(value, inputs)))
            .collect(),
        other => other,
    }
}

/// A single pass from left to right, so that placeholders in a prompt are not replaced.
fn replaced(text: String, inputs: &Inputs<'_>) -> Value {
    match text.as_str() {
        "{{strength}}" => return serde_json::json!(inputs.strength),
        "{{seed}}" => return inputs.seed.into(),
        _ if !text.contains("{{") => return text.into(),
        _ => {}
    }
    let mut filled = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let found = after.split_once("}}").and_then(|(name, after)| {
            let value = match name {
                "image" => inputs.image.to_owned(),
                "mask" => inputs.mask.unwrap_or(inputs.image).to_owned(),
                "prompt" => inputs.prompt.to_owned(),
                "strength" => inputs.strength.to_string(),
                "seed" => inputs.seed.to_string(),
                "name" => inputs.name?.to_owned(),
                _ => return None,
            };
            Some((value, after))
        });
        let (value, after) = found.unwrap_or_else(|| ("{{".to_owned(), after));
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    filled.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const INPUTS: Inputs<'static> = Inputs {
        image: "original.png",
        mask: None,
        prompt: "lighter, \"{{seed}}\"",
        strength: 0.7,
        seed: 42,
        name: Some("flux.safetensors"),
    };

    #[test]
    fn named_inputs_are_filled_in_wherever_they_are() {
        for (value, expected) in [
            (json!("{{image}}"), json!("original.png")),
            (json!("{{strength}}"), json!(0.7)),
            (json!("{{seed}}"), json!(42)),
            (json!("{{name}}"), json!("flux.safetensors")),
            (
                json!("a logo, {{prompt}}, {{seed}}"),
                json!("a logo, lighter, \"{{seed}}\", 42"),
            ),
            (json!("denoise {{strength}}"), json!("denoise 0.7")),
            (json!("{{ prompt }}"), json!("{{ prompt }}")),
            (json!("{{other}}"), json!("{{other}}")),
            (json!("{{"), json!("{{")),
            (json!(7), json!(7)),
            (json!(["4", 0]), json!(["4", 0])),
        ] {
            let workflow = json!({"3": {"inputs": {"a": value}}}).to_string();
            let workflow = parse(Some(&workflow)).unwrap();
            let expected = json!({"3": {"inputs": {"a": expected}}});
            assert_eq!(filled(workflow, &INPUTS), expected);
        }
    }

    #[test]
    fn what_is_no_workflow_is_refused() {
        for (text, expected) in [
            (None, "is missing"),
            (Some("[]"), "is not a JSON object"),
            (Some("{"), "is not a JSON object"),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{text:?}");
        }
    }
}
