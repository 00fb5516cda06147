//! The forms of single values, where the type that is serialized says less than
//! what it holds.

use std::borrow::Cow;

use concept_refinement_domain::original::MAX_URL_CHARS;
use concept_refinement_domain::task::{Refinement, Stage, Status};
use concept_refinement_domain::validation::{
    MAX_DESCRIPTION_CHARS, MAX_PROMPT_CHARS, MIN_PROMPT_CHARS,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// A form that has no name of its own in the document, or one.
macro_rules! form {
    ($name:ident, inline: $inline:literal, $schema:expr) => {
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                $inline
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

form!(Id, inline: true, json_schema!({"type": "string", "format": "uuid"}));

form!(Url, inline: true, json_schema!({"type": "string", "format": "uri"}));

form!(Time, inline: true, json_schema!({
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}));

form!(TaskType, inline: true, json_schema!({"type": "string", "const": "concept_refinement"}));

form!(Readiness, inline: true, json_schema!({"type": "string", "enum": ["ready", "degraded"]}));

form!(TaskStatus, inline: false, json_schema!({
    "description": "`completed` and `failed` are final.",
    "type": "string",
    "enum": statuses(),
}));

form!(StageName, inline: false, json_schema!({
    "description": "The stages of a refinement, in the order in which they begin.",
    "type": "string",
    "enum": stages(),
}));

form!(ErrorCode, inline: false, json_schema!({
    "description": "Names the kind of the problem; it goes with the status.",
    "type": "string",
    "enum": super::answers::error_codes(),
}));

form!(RefinementMetadata, inline: false, json_schema!({
    "description": "The four fields of the request, as sent; null where absent.",
    "type": "object",
    "properties": {
        "original_image_url": {"type": "string"},
        "refinement_prompt": {"type": "string"},
        "logo_description": {"type": ["string", "null"]},
        "theme_description": {"type": ["string", "null"]},
    },
    "required": metadata_keys(),
    "additionalProperties": false,
}));

form!(RefinementRequest, inline: false, json_schema!({
    "description": "What is to be refined, and how. Unknown fields are ignored.",
    "type": "object",
    "properties": {
        "original_image_url": {
            "description": "An http or https URL with a public address and without user \
                information, or the `image_url` of an upload.",
            "type": "string",
            "format": "uri",
            "minLength": 1,
            "maxLength": MAX_URL_CHARS,
        },
        "refinement_prompt": {
            "description": "Instructions for how to refine the image. Spaces at both ends do \
                not count.",
            "type": "string",
            "minLength": MIN_PROMPT_CHARS,
            "maxLength": MAX_PROMPT_CHARS,
        },
        "logo_description": {
            "description": "What the picture shows.",
            "type": ["string", "null"],
            "maxLength": MAX_DESCRIPTION_CHARS,
        },
        "theme_description": {
            "description": "The theme, its colours among it.",
            "type": ["string", "null"],
            "maxLength": MAX_DESCRIPTION_CHARS,
        },
    },
    "required": ["original_image_url", "refinement_prompt"],
}));

/// Another status does not compile before it is listed.
fn statuses() -> Vec<&'static str> {
    let next = |status| match status {
        None => Some(Status::Pending),
        Some(Status::Pending) => Some(Status::Processing),
        Some(Status::Processing) => Some(Status::Completed),
        Some(Status::Completed) => Some(Status::Failed),
        Some(Status::Failed) => None,
    };
    std::iter::successors(next(None), |status| next(Some(*status)))
        .map(Status::as_str)
        .collect()
}

/// As it is serialized.
fn stages() -> Vec<Value> {
    let next = |stage| match stage {
        None => Some(Stage::Downloading),
        Some(Stage::Downloading) => Some(Stage::Refining),
        Some(Stage::Refining) => Some(Stage::StoringImage),
        Some(Stage::StoringImage) => Some(Stage::StoringConcept),
        Some(Stage::StoringConcept) => None,
    };
    std::iter::successors(next(None), |stage| next(Some(*stage)))
        .map(|stage| json!(stage))
        .collect()
}

/// As they are serialized.
fn metadata_keys() -> Vec<String> {
    let metadata = json!(Refinement {
        original_image_url: String::new(),
        refinement_prompt: String::new(),
        logo_description: None,
        theme_description: None,
    });
    metadata.as_object().unwrap().keys().cloned().collect()
}
