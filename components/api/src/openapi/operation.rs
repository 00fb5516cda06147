//! One operation in the making: what of a route the document says.

use serde_json::{Map, Value, json};

use super::{headers, problems};

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    Anyone,
    /// With a token, as a header field or a cookie.
    User,
    /// A user, or whoever holds a signed URL.
    UserOrHolder,
}

pub struct Operation {
    /// In lower case, as in the document.
    pub method: &'static str,
    pub path: String,
    pub object: Value,
}

impl Operation {
    /// Every operation may be answered 400, 405 (to another method), 500 and 503.
    pub fn new(method: &'static str, path: &str, id: &str, tag: &str, asker: Asker) -> Self {
        let mut operation = Self {
            method,
            path: path.to_owned(),
            object: json!({
                "operationId": id,
                "tags": [tag],
                "summary": "",
                "description": "",
                "responses": {},
            }),
        };
        match asker {
            Asker::Anyone => {
                operation.object["security"] = json!([]);
                operation.shared(&["Overloaded"]);
            }
            Asker::User => operation.shared(&["Unauthorized", "Unavailable"]),
            Asker::UserOrHolder => {
                operation.object["security"] =
                    json!([{"bearer": []}, {"session": []}, {"signature": []}]);
                operation.shared(&["Unauthorized", "Unavailable"]);
            }
        }
        operation.shared(&["BadRequest", "MethodNotAllowed", "InternalError"]);
        operation
    }

    pub fn says(mut self, summary: &str, description: &str) -> Self {
        self.object["summary"] = summary.into();
        self.object["description"] = description.into();
        self
    }

    pub fn takes(mut self, parameter: Value) -> Self {
        if self.object["parameters"].is_null() {
            self.object["parameters"] = json!([]);
        }
        let parameters = self.object["parameters"].as_array_mut().unwrap();
        parameters.push(parameter);
        self
    }

    pub fn body(mut self, description: &str, content: Value) -> Self {
        self.object["requestBody"] =
            json!({"description": description, "required": true, "content": content});
        self
    }

    /// An answer of its own.
    pub fn answers(
        mut self,
        status: u16,
        description: &str,
        fields: &[&str],
        content: Value,
    ) -> Self {
        let mut answer = json!({"description": description});
        if !fields.is_empty() {
            answer["headers"] = headers::references(fields).into();
        }
        if !content.is_null() {
            answer["content"] = content;
        }
        self.object["responses"][status.to_string()] = answer;
        self
    }

    /// What of an answer another operation takes.
    pub fn leads_to(mut self, status: u16, operation: &str, parameter: &str, value: &str) -> Self {
        let answer = &mut self.object["responses"][status.to_string()];
        answer["links"][operation] = json!({
            "operationId": operation,
            "parameters": {parameter: format!("$response.body#/{value}")},
        });
        self
    }

    /// Answers that other operations have as well; a later one replaces an
    /// earlier one of its status.
    pub fn refuses(mut self, names: &[&str]) -> Self {
        self.shared(names);
        self
    }

    fn shared(&mut self, names: &[&str]) {
        for name in names {
            let answer = problems::all()
                .into_iter()
                .find(|answer| answer.name == *name);
            let (status, _) = answer
                .unwrap_or_else(|| panic!("no answer {name}"))
                .described();
            self.object["responses"][status.to_string()] =
                json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
}

/// A JSON body of a schema, with examples.
pub fn json_of(schema: &str, examples: &[(&str, &str, Value)]) -> Value {
    let examples: Map<String, Value> = examples
        .iter()
        .map(|(name, summary, value)| {
            (
                (*name).to_owned(),
                json!({"summary": summary, "value": value}),
            )
        })
        .collect();
    json!({"application/json": {
        "schema": {"$ref": format!("#/components/schemas/{schema}")},
        "examples": examples,
    }})
}

pub fn path_parameter(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": {"type": "string", "format": "uuid"},
        "example": example,
    })
}

/// An optional header field of a request.
pub fn header_parameter(name: &str, description: &str, example: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    })
}
