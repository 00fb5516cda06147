//! The answers other than success, made of what is answered: status, header
//! fields and examples are those of the problems of the routes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{headers, problems};
use crate::problem::Problem;
use crate::response::Content;

/// An answer that several operations have.
pub struct Answer {
    pub name: &'static str,
    pub description: &'static str,
    /// Each with a name; all of one status.
    pub problems: Vec<(&'static str, Problem)>,
    /// What whoever runs the component answers without asking it.
    pub of_host: Vec<OfHost>,
}

/// Before a request gets to the component, or in its place.
pub struct OfHost {
    pub name: &'static str,
    pub status: u16,
    pub error_code: &'static str,
    pub detail: &'static str,
    pub retry_after: bool,
}

/// Header fields that say nothing of the problem.
const ALWAYS: [&str; 3] = ["content-type", "content-length", "cache-control"];

/// The codes that problems have.
pub fn error_codes() -> BTreeSet<String> {
    problems::all()
        .into_iter()
        .flat_map(Answer::told)
        .map(|told| told.body["error_code"].as_str().unwrap().to_owned())
        .collect()
}

impl Answer {
    /// Its status, and what `components/responses` says of it.
    pub fn described(self) -> (u16, Value) {
        let (name, description) = (self.name, self.description);
        let mut statuses = BTreeSet::new();
        let mut fields = Map::new();
        let mut examples = Map::new();
        for told in self.told() {
            statuses.insert(told.status);
            for field in told.fields {
                fields.insert(headers::name(field), headers::reference(field));
            }
            examples.insert(told.name.to_owned(), json!({"value": told.body}));
        }
        assert_eq!(statuses.len(), 1, "{name}: one status");
        let mut described = json!({
            "description": description,
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorResponse"},
                "examples": examples,
            }},
        });
        if !fields.is_empty() {
            described["headers"] = fields.into();
        }
        (statuses.pop_first().unwrap(), described)
    }

    fn told(self) -> impl Iterator<Item = Told> {
        let of_component = self
            .problems
            .into_iter()
            .map(|(name, problem)| told(name, problem));
        of_component.chain(self.of_host.into_iter().map(OfHost::told))
    }
}

/// One answer as it is sent.
struct Told {
    name: &'static str,
    status: u16,
    /// The header fields that say something of the problem.
    fields: Vec<&'static str>,
    body: Value,
}

fn told(name: &'static str, problem: Problem) -> Told {
    let response = problem.into_response::<()>();
    let body = match &response.content {
        Content::Bytes(bytes) => serde_json::from_slice(bytes).unwrap(),
        _ => panic!("an error without a body"),
    };
    let fields = response.headers.into_iter().map(|(field, _)| field);
    Told {
        name,
        status: response.status,
        fields: fields.filter(|field| !ALWAYS.contains(field)).collect(),
        body,
    }
}

impl OfHost {
    fn told(self) -> Told {
        let body = json!({
            "detail": self.detail,
            "status_code": self.status,
            "error_code": self.error_code,
            "field_errors": null,
        });
        Told {
            name: self.name,
            status: self.status,
            fields: self
                .retry_after
                .then_some("retry-after")
                .into_iter()
                .collect(),
            body,
        }
    }
}
