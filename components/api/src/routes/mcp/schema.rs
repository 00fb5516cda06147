//! The JSON Schemas of tools, taken from the description of the API, so that nothing is
//! described twice.

use serde_json::{Map, Value, json};

use crate::assets;

/// Those of the description.
pub struct Schemas(Value);

impl Schemas {
    pub fn of_the_api() -> Self {
        let asset = assets::find("/openapi.json");
        let description = asset.and_then(|asset| serde_json::from_slice(asset.bytes).ok());
        let mut description: Value = description.unwrap_or_default();
        let schemas = description.pointer_mut("/components/schemas");
        Self(schemas.map(Value::take).unwrap_or_default())
    }

    /// A schema that stands alone.
    pub fn whole(&self, name: &str) -> Value {
        self.resolved(self.0.get(name).unwrap_or(&Value::Null))
    }

    /// That of a field that may be absent, for which models need no null.
    pub fn field(&self, schema: &str, field: &str) -> Value {
        let field = self.0.pointer(&format!("/{schema}/properties/{field}"));
        let mut field = self.resolved(field.unwrap_or(&Value::Null));
        let Some(schema) = field.as_object_mut() else {
            return field;
        };
        let is_null = |schema: &Value| schema.get("type") == Some(&json!("null"));
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_mut_slice() {
                let only = only.take();
                schema.insert("type".into(), only);
            }
        } else if let Some(Value::Array(mut any)) = schema.remove("anyOf") {
            any.retain(|schema| !is_null(schema));
            if let Some(Value::Object(only)) = any.pop() {
                schema.extend(only.into_iter().filter(|(name, _)| name != "description"));
            }
        }
        field
    }

    /// With what it refers to in place.
    fn resolved(&self, schema: &Value) -> Value {
        match schema {
            Value::Object(schema) => {
                let name = schema.get("$ref").and_then(Value::as_str);
                let name = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
                if let Some(name) = name {
                    return self.whole(name);
                }
                let fields = schema.iter();
                let fields = fields.map(|(name, value)| (name.clone(), self.resolved(value)));
                Value::Object(fields.collect())
            }
            Value::Array(schemas) => schemas.iter().map(|it| self.resolved(it)).collect(),
            other => other.clone(),
        }
    }
}

/// Of an object with these properties.
pub fn object(properties: Map<String, Value>, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}
