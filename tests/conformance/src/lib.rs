//! Whether answers are those that an OpenAPI document tells of: the status, the
//! header fields, the media type, and every JSON body and event by its schema.
//!
//! It knows the document and nothing of the service.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod answer;
mod events;
mod paths;

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub use answer::Answer;

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// A document, ready to judge.
pub struct Document {
    json: Value,
    /// By the name of the schema.
    schemas: BTreeMap<String, Validator>,
    /// By the name of the header field.
    headers: BTreeMap<String, Validator>,
}

/// A path, a method and what the document says of them.
pub struct Operation<'a> {
    pub path: &'a str,
    pub method: &'a str,
    pub object: &'a Value,
}

impl Document {
    pub fn parse(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap();
        let schemas = members(&json["components"]["schemas"])
            .map(|(name, schema)| (name.clone(), validator(schema, &json)))
            .collect();
        let headers = members(&json["components"]["headers"])
            .map(|(name, header)| (name.clone(), validator(&header["schema"], &json)))
            .collect();
        Self {
            schemas,
            headers,
            json,
        }
    }

    pub fn json(&self) -> &Value {
        &self.json
    }

    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        members(&self.json["paths"]).flat_map(|(path, item)| {
            members(item)
                .filter(|(method, _)| METHODS.contains(&method.as_str()))
                .map(move |(method, object)| Operation {
                    path,
                    method,
                    object,
                })
        })
    }

    /// Every example that does not fit its schema, in words.
    pub fn bad_examples(&self) -> Vec<String> {
        let mut bad = Vec::new();
        let mut examples = 0;
        for operation in self.operations() {
            let responses = members(&operation.object["responses"]);
            let bodies = responses
                .map(|(status, response)| (status.as_str(), self.resolved(response)))
                .chain([("the request", &operation.object["requestBody"])]);
            for (of, body) in bodies {
                for (media_type, content) in members(&body["content"]) {
                    for (name, example) in members(&content["examples"]) {
                        examples += 1;
                        let told = self.content(media_type, content, &example["value"]);
                        if let Err(problem) = told {
                            let Operation { method, path, .. } = operation;
                            bad.push(format!("{method} {path}, {of}, {name}: {problem}"));
                        }
                    }
                }
            }
        }
        if examples == 0 {
            bad.push("there is no example".to_owned());
        }
        bad
    }

    /// Whether a value fits the schema of this name; if not, why.
    ///
    /// # Errors
    ///
    /// What does not fit.
    pub fn fits(&self, schema: &str, value: &Value) -> Result<(), String> {
        let validator = self.schemas.get(schema).ok_or("there is no such schema")?;
        judge(validator, value)
    }

    /// Follows a reference, if it is one.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            None => value,
            Some(reference) => self
                .json
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        }
    }

    /// Judges what was said in a media type.
    fn content(&self, media_type: &str, content: &Value, said: &Value) -> Result<(), String> {
        // An example is one event, an answer their text.
        if media_type == "text/event-stream"
            && let Some(text) = said.as_str()
        {
            let types = &self.resolved(&content["schema"])["discriminator"]["mapping"];
            return events::parse(text)?.iter().try_for_each(|event| {
                let reference = json!({"$ref": types[&event.name]});
                let data = &self.resolved(&reference)["properties"]["data"];
                self.schema(data, &event.data)
            });
        }
        self.schema(&content["schema"], said)
    }

    fn schema(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(reference) = schema["$ref"].as_str() else {
            return match schema {
                Value::Null => Err("there is no schema for it".to_owned()),
                _ => judge(&validator(schema, &self.json), value),
            };
        };
        let name = reference.rsplit('/').next().unwrap_or_default();
        judge(&self.schemas[name], value)
    }

    /// A field's value is text; what its schema wants to be a number is read as
    /// one.
    fn header(&self, name: &str, text: &str) -> Result<(), String> {
        let as_text = json!(text);
        let as_number = text.parse::<i64>().map(|number| json!(number));
        let validator = &self.headers[name];
        let fits = validator.is_valid(&as_text)
            || as_number.is_ok_and(|number| validator.is_valid(&number));
        if fits {
            Ok(())
        } else {
            Err(format!("{name}: {text}"))
        }
    }
}

/// Of a schema that may refer to others of its document.
fn validator(schema: &Value, document: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn judge(validator: &Validator, value: &Value) -> Result<(), String> {
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{error} (at `{}`)", error.instance_path()))
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("; "))
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
