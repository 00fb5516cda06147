//! Judging one answer.

use std::iter;

use serde_json::Value;

use crate::{Document, members, paths};

/// An answer, and what it answers.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// In capitals.
    pub method: &'a str,
    /// With or without a query.
    pub path: &'a str,
    pub status: u16,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

impl Document {
    /// The problem: this is not what the document tells of. A path that is not
    /// in it is answered 404, or by somebody else.
    pub fn check(&self, answer: &Answer<'_>) -> Result<(), String> {
        let path = answer.path.split('?').next().unwrap_or_default();
        let templates = members(&self.json["paths"]).map(|(template, _)| template.as_str());
        match paths::find(templates, path) {
            None => Ok(()),
            Some(template) => self
                .check_at(&self.json["paths"][template], answer)
                .map_err(|problem| {
                    let Answer {
                        method,
                        path,
                        status,
                        ..
                    } = answer;
                    format!("{method} {path} was answered {status}: {problem}")
                }),
        }
    }

    fn check_at(&self, item: &Value, answer: &Answer<'_>) -> Result<(), String> {
        let is_head = answer.method == "HEAD";
        let operation = match &item[answer.method.to_lowercase()] {
            Value::Null if is_head => &item["get"],
            operation => operation,
        };
        if operation.is_null() {
            return self.check_method(item, answer);
        }
        let response = &operation["responses"][answer.status.to_string()];
        if response.is_null() {
            return Err("there is no such status".to_owned());
        }
        let response = self.resolved(response);
        self.check_headers(response, answer)?;
        self.check_body(response, answer)
    }

    /// Another method than those of the document.
    fn check_method(&self, item: &Value, answer: &Answer<'_>) -> Result<(), String> {
        let is_preflight = answer.method == "OPTIONS" && answer.status == 204;
        if is_preflight && answer.body.is_empty() {
            return Ok(());
        }
        if answer.status != 405 {
            return Err("the method is not in the document".to_owned());
        }
        let allow = answer.header("allow").ok_or("405 without Allow")?;
        let mut allowed: Vec<String> = allow.split(", ").map(str::to_lowercase).collect();
        allowed.retain(|method| method != "head");
        allowed.sort_unstable();
        let mut known: Vec<&str> = members(item).map(|(method, _)| method.as_str()).collect();
        known.retain(|method| *method != "head");
        if allowed != known {
            return Err(format!("Allow: {allow}, in place of {known:?}"));
        }
        // As of the path's other operations.
        let mut described = members(item).map(|(_, operation)| &operation["responses"]["405"]);
        let response = described.find(|response| !response.is_null());
        let response =
            response.unwrap_or(&self.json["components"]["responses"]["MethodNotAllowed"]);
        self.check_body(self.resolved(response), answer)
    }

    fn check_headers(&self, response: &Value, answer: &Answer<'_>) -> Result<(), String> {
        for (name, header) in members(&response["headers"]) {
            let is_required = self.resolved(header)["required"] == true;
            match answer.header(name) {
                Some(text) => self.header(name, text)?,
                None if is_required => return Err(format!("without {name}")),
                None => {}
            }
        }
        Ok(())
    }

    fn check_body(&self, response: &Value, answer: &Answer<'_>) -> Result<(), String> {
        let content = &response["content"];
        if content.is_null() || answer.method == "HEAD" {
            return if answer.body.is_empty() {
                Ok(())
            } else {
                Err("there is a body".to_owned())
            };
        }
        let media_type = answer.header("content-type").ok_or("no media type")?;
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let range = essence.split('/').next().map(|kind| format!("{kind}/*"));
        let ranges = range.iter().map(|range| &content[range.as_str()]);
        let mut described = iter::once(&content[essence]).chain(ranges);
        let Some(content) = described.find(|content| !content.is_null()) else {
            return Err(format!("{media_type} is not in the document"));
        };
        let said = match essence {
            "application/json" => serde_json::from_slice(answer.body)
                .map_err(|error| format!("{error}: {:?}", answer.body))?,
            "text/event-stream" => Value::String(String::from_utf8_lossy(answer.body).into()),
            _ => return Ok(()),
        };
        self.content(essence, content, &said)
    }
}

impl Answer<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    fn document() -> Document {
        let thing = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}});
        let document = json!({
            "paths": {"/things/{id}": {"get": {"responses": {
                "200": {
                    "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
                    "content": thing,
                },
                "204": {},
                "404": {"$ref": "#/components/responses/Missing"},
            }}}},
            "components": {
                "headers": {"ETag": {"required": true, "schema": {"type": "string", "minLength": 2}}},
                "responses": {"Missing": {"content": thing}, "MethodNotAllowed": {"content": thing}},
                "schemas": {"Thing": {
                    "type": "object",
                    "properties": {"id": {"type": "string", "format": "uuid"}},
                    "required": ["id"],
                    "additionalProperties": false,
                }},
            },
        });
        Document::parse(&document.to_string())
    }

    #[test]
    fn what_is_not_as_described_is_found() {
        let document = document();
        let id = r#"{"id": "7d0f5a52-3c1e-4f6b-9a57-2f6f3f1f9d10"}"#;
        let bad = r#"{"id": "1"}"#;
        let etag = ("etag", "\"a\"");
        let (html, put) = (("content-type", "text/html"), ("allow", "PUT"));
        let (get, more) = (("allow", "GET, HEAD"), id.replace('}', r#","x":1}"#));
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(&str, &str, u16, Headers<'_>, &str, bool)] = &[
            ("as it should be", "GET", 200, &[JSON, etag], id, true),
            ("another status", "GET", 201, &[JSON, etag], id, false),
            ("without a field", "GET", 200, &[JSON], id, false),
            ("a bad field", "GET", 200, &[JSON, ("ETag", "x")], id, false),
            ("no type", "GET", 200, &[etag], id, false),
            ("another type", "GET", 200, &[html, etag], id, false),
            ("no JSON", "GET", 200, &[JSON, etag], "{", false),
            ("a key is missing", "GET", 200, &[JSON, etag], "{}", false),
            ("a key too many", "GET", 200, &[JSON, etag], &more, false),
            ("a bad format", "GET", 200, &[JSON, etag], bad, false),
            ("empty", "GET", 204, &[], "", true),
            ("not empty", "GET", 204, &[], "x", false),
            ("by reference", "GET", 404, &[JSON], id, true),
            ("by reference, bad", "GET", 404, &[JSON], "{}", false),
            ("a head", "HEAD", 200, &[JSON, etag], "", true),
            ("a head with a body", "HEAD", 200, &[JSON, etag], id, false),
            ("another method", "PUT", 405, &[JSON, get], id, true),
            ("without Allow", "PUT", 405, &[JSON], id, false),
            ("with another Allow", "PUT", 405, &[JSON, put], id, false),
            ("an unknown method", "PUT", 200, &[JSON], id, false),
        ];
        for (name, method, status, headers, body, is_as_described) in cases {
            let answer = Answer {
                method,
                path: "/things/1?x=/",
                status: *status,
                headers,
                body: body.as_bytes(),
            };
            let judged = document.check(&answer);
            assert_eq!(judged.is_ok(), *is_as_described, "{name}: {judged:?}");
        }
    }
}
