//! How a tool is described to those who may call it.

use serde::Serialize;
use serde_json::Value;

/// A tool, as `tools/list` has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    /// For a model: what it does, and what its arguments are good for.
    pub description: &'static str,
    /// JSON Schema 2020-12 of its arguments, an object.
    pub input_schema: Value,
    /// The same of its structured content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    pub annotations: Annotations,
}

impl Tool {
    /// Whether it has an argument of this name.
    pub fn takes(&self, argument: &str) -> bool {
        let arguments = self.input_schema.get("properties");
        arguments.is_some_and(|arguments| arguments.get(argument).is_some())
    }
}

/// What a client may tell its user before a call. Nobody may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// It may change or remove what is there, and not only add to it.
    pub destructive_hint: bool,
    /// Called again with the same arguments, it does nothing more.
    pub idempotent_hint: bool,
    /// It reaches beyond what its server holds.
    pub open_world_hint: bool,
}
