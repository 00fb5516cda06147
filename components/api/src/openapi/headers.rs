//! The header fields of answers.

use serde_json::{Map, Value, json};

const FIELDS: &[(&str, &str)] = &[
    (
        "Accept-Ranges",
        "Always `bytes`: a part may be asked for by `Range`.",
    ),
    ("Allow", "The methods that the path answers to."),
    (
        "Cache-Control",
        "How long, and by whom, the answer may be kept.",
    ),
    (
        "Content-Range",
        "Which part of the image this is, or `bytes */SIZE`.",
    ),
    (
        "ETag",
        "A strong validator, for `If-None-Match` and `If-Range`.",
    ),
    (
        "Idempotency-Replayed",
        "`true` where this is the answer to an earlier request with the same `Idempotency-Key`.",
    ),
    (
        "Retry-After",
        "After how many seconds a repeat may succeed.",
    ),
    (
        "Set-Cookie",
        "The cookie `session` (`HttpOnly`, `SameSite=Lax`, `Secure` behind https). It is not set \
         where a page of another origin asked.",
    ),
    ("WWW-Authenticate", "The scheme that is expected: `Bearer`."),
    (
        "X-RateLimit-Limit",
        "How many tasks the user may create in a window. Absent if unlimited.",
    ),
    ("X-RateLimit-Remaining", "How many of them are left."),
    (
        "X-RateLimit-Reset",
        "When the window ends, in Unix seconds.",
    ),
];

/// Those that are there wherever they are described.
const ALWAYS: [&str; 6] = [
    "Accept-Ranges",
    "Allow",
    "Cache-Control",
    "Content-Range",
    "ETag",
    "WWW-Authenticate",
];

pub const QUOTA: [&str; 3] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
];

/// The field's name as it is usually written.
pub fn name(field: &str) -> String {
    FIELDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(field))
        .unwrap_or_else(|| panic!("the header field {field} has no description"))
        .0
        .to_owned()
}

pub fn reference(field: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{}", name(field))})
}

pub fn references(fields: &[&str]) -> Map<String, Value> {
    fields
        .iter()
        .map(|field| (name(field), reference(field)))
        .collect()
}

/// What `components/headers` says.
pub fn all() -> Map<String, Value> {
    FIELDS
        .iter()
        .map(|(name, description)| {
            let mut described = json!({"description": description, "schema": schema(name)});
            if ALWAYS.contains(name) {
                described["required"] = true.into();
            }
            ((*name).to_owned(), described)
        })
        .collect()
}

fn schema(field: &str) -> Value {
    match field {
        "Retry-After" => json!({"type": "integer", "minimum": 1}),
        "X-RateLimit-Limit" => json!({"type": "integer", "minimum": 1}),
        "X-RateLimit-Remaining" | "X-RateLimit-Reset" => json!({"type": "integer", "minimum": 0}),
        "ETag" => json!({"type": "string", "pattern": "^\"[^\"]*\"$"}),
        "Accept-Ranges" => json!({"type": "string", "const": "bytes"}),
        "WWW-Authenticate" => json!({"type": "string", "pattern": "^Bearer"}),
        "Idempotency-Replayed" => json!({"type": "string", "const": "true"}),
        _ => json!({"type": "string"}),
    }
}
