//! The description of the API, OpenAPI 3.1, made from the code: schemas from
//! the types that are serialized, errors from the problems that routes answer
//! with, operations from the kinds of route of the router.
//!
//! It is made and compared while the tests run; the component serves the file
//! that it was written to, and carries nothing of this.

mod answers;
mod conformance;
mod examples;
pub mod form;
mod headers;
mod operation;
mod operations;
mod problems;
mod tests;

pub use conformance::check;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::event::{Deleted, Progress};
use crate::problem::ErrorBody;
use crate::representation::{ConceptResponse, TaskResponse};
use crate::routes::concepts::ConceptList;
use crate::routes::health::{Live, Ready};
use crate::routes::session::Session;
use crate::routes::tasks::TaskList;
use crate::routes::uploads::Uploaded;

const DESCRIPTION: &str = "\
Post an image and a prompt, get a task at once and, some seconds later, the refined image.

**Who asks.** `Authorization: Bearer <JWT>`, or the same token in the cookie `session`; where the \
header is sent it alone counts. `POST /api/auth/session` makes an anonymous user. A request that \
changes something by cookie has to come from the same origin.

**Ids and times.** Ids are UUIDs; one that is none names nothing: 404. Times are RFC 3339 in UTC, \
with microseconds.

**Errors** have one shape, `ErrorResponse`, unknown paths (404) and methods (405) included; only \
the 409 of a refinement is a task, and the 503 of readiness tells what cannot be used. The path is \
judged first, then the credentials, then the rest.

**Methods.** Where `GET` is answered, so is `HEAD`, without the body.";

const TAGS: [(&str, &str); 6] = [
    ("tasks", "Refinements on their way."),
    ("images", "Originals and refined images."),
    ("concepts", "What completed tasks left behind."),
    ("sessions", "Anonymous users."),
    ("health", "For whoever runs the service."),
    ("pages", "For people and for tools."),
];

/// The whole document.
pub fn document() -> Value {
    let tags: Vec<Value> = TAGS
        .iter()
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Concept Refinement",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Refines images by what a prompt says.",
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Where this document is served."}],
        "security": [{"bearer": []}, {"session": []}],
        "tags": tags,
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "responses": responses(),
            "headers": headers::all(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the service's own, or of the issuer that it trusts.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "session",
                    "description": "The same token, as `POST /api/auth/session` sets it.",
                },
                "signature": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "signature",
                    "description": "Of a signed URL; it goes with `expires`.",
                },
            },
        },
    })
}

/// As it stands in the file.
pub fn text() -> String {
    format!("{:#}\n", document())
}

fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for route in operations::routes() {
        for operation in operations::of(route) {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            assert_eq!(path[operation.method], Value::Null, "described twice");
            path[operation.method] = operation.object;
        }
    }
    paths
}

fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
    let mut generator = settings.into_generator();
    fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
        generator.subschema_for::<T>();
    }
    add::<form::RefinementRequest>(&mut generator);
    add::<TaskResponse<'_>>(&mut generator);
    add::<TaskList<'_>>(&mut generator);
    add::<Progress>(&mut generator);
    add::<Deleted<'_>>(&mut generator);
    add::<Uploaded<'_>>(&mut generator);
    add::<ConceptResponse<'_>>(&mut generator);
    add::<ConceptList<'_>>(&mut generator);
    add::<Session<'_>>(&mut generator);
    add::<Live<'_>>(&mut generator);
    add::<Ready<'_>>(&mut generator);
    add::<ErrorBody<'_>>(&mut generator);
    let mut schemas = generator.take_definitions(true);
    for schema in schemas.values_mut() {
        tidy(schema);
    }
    schemas
}

/// Descriptions come from comments, which are broken into lines; and what a
/// number is kept in concerns nobody.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if matches!(fields.get("format"), Some(Value::String(format)) if format.starts_with("uint"))
            {
                fields.remove("format");
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn responses() -> Map<String, Value> {
    let answers = problems::all().into_iter();
    answers
        .map(|answer| (answer.name.to_owned(), answer.described().1))
        .collect()
}
