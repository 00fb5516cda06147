//! `/api/concepts`.

use serde_json::{Value, json};

use super::{cursor, limit};
use crate::openapi::examples::{self, CONCEPT_ID};
use crate::openapi::operation::{Asker, Operation, json_of, path_parameter};

const TAG: &str = "concepts";

pub fn list() -> Operation {
    let page = json!({"concepts": [examples::concept()], "next_cursor": null});
    Operation::new("get", "/api/concepts", "list_concepts", TAG, Asker::User)
        .says(
            "List your concepts",
            "What completed tasks left behind, newest first, a page at a time: `next_cursor` \
             asks for the next one.",
        )
        .takes(limit())
        .takes(cursor())
        .answers(
            200,
            "A page of concepts.",
            &[],
            json_of("ConceptList", &[("last", "The last page", page)]),
        )
        .leads_to(200, "get_concept", "concept_id", "concepts/0/id")
        .leads_to(200, "delete_concept", "concept_id", "concepts/0/id")
        .refuses(&["InvalidQuery"])
}

pub fn get() -> Operation {
    Operation::new(
        "get",
        "/api/concepts/{concept_id}",
        "get_concept",
        TAG,
        Asker::User,
    )
    .says("Look at a concept", "Its `image_url` is signed afresh.")
    .takes(concept_id())
    .answers(
        200,
        "The concept.",
        &[],
        json_of(
            "ConceptResponse",
            &[("concept", "A concept", examples::concept())],
        ),
    )
    .refuses(&["NoSuchConcept"])
}

pub fn delete() -> Operation {
    Operation::new(
        "delete",
        "/api/concepts/{concept_id}",
        "delete_concept",
        TAG,
        Asker::User,
    )
    .says(
        "Delete a concept",
        "Its image goes with it. Its task still reads, with `result_id` kept and `image_url` \
             null.",
    )
    .takes(concept_id())
    .answers(204, "The concept and its image are gone.", &[], Value::Null)
    .refuses(&["FromElsewhere", "NoSuchConcept"])
}

fn concept_id() -> Value {
    path_parameter(
        "concept_id",
        "The concept's id, `result_id` of its task. One that is no UUID names no concept.",
        CONCEPT_ID,
    )
}
