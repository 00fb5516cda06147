//! The description of the API, `openapi.json`, is true to the code, and every
//! answer that a test of the routes sees is one that it describes.
//!
//! The document is written by hand. What it repeats of the code (routes, errors,
//! limits, names) is compared with the code here.

mod problems;

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use concept_refinement_conformance::{Answer, Document};
use concept_refinement_domain::aspect::Aspect;
use concept_refinement_domain::image::Format;
use concept_refinement_domain::lease::MIN_DEADLINE;
use concept_refinement_domain::note::{MAX_CHARS, MAX_NOTES};
use concept_refinement_domain::original::MAX_URL_CHARS;
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::sentence;
use concept_refinement_domain::strength::Strength;
use concept_refinement_domain::task::{Refinement, Stage, Status};
use concept_refinement_domain::validation::{
    MAX_DESCRIPTION_CHARS, MAX_FEATHER, MAX_PROMPT_CHARS, MIN_PROMPT_CHARS,
};
use serde_json::{Value, json};

use crate::assets;
use crate::download::MAX_NAME_CHARS;
use crate::event;
use crate::paging::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::request::Method;
use crate::router::{Route, route};
use concept_refinement_domain::session::LIFE as SESSION_LIFE;

const TEXT: &str = include_str!("../../openapi.json");

thread_local! {
    static DOCUMENT: Document = Document::parse(TEXT);
}

/// Panics unless the document describes this answer.
pub fn check(
    method: Method,
    target: &str,
    status: u16,
    headers: &[(&'static str, String)],
    body: &[u8],
) {
    let method = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Other => "PATCH",
    };
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = headers.collect();
    let answer = Answer {
        method,
        path: target,
        status,
        headers: &headers,
        body,
    };
    DOCUMENT.with(|document| document.check(&answer)).unwrap();
}

pub fn document() -> Value {
    DOCUMENT.with(|document| document.json().clone())
}

const METHODS: [(Method, &str); 4] = [
    (Method::Get, "get"),
    (Method::Head, "head"),
    (Method::Post, "post"),
    (Method::Delete, "delete"),
];

/// The ids of each route's operations. Another route does not compile before it
/// is listed.
fn operations() -> Vec<(Route<'static>, &'static [&'static str])> {
    let mut all = Vec::new();
    let mut next = Some(Route::Refine);
    while let Some(route) = next {
        let (ids, following): (&[&str], _) = match route {
            Route::Refine => (&["refine_concept"], Some(Route::Edits)),
            Route::Edits => (&["create_image_edit"], Some(Route::Models)),
            Route::Models => (&["list_models"], Some(Route::Mcp)),
            Route::Mcp => (&["call_mcp"], Some(Route::ProtectedResource)),
            Route::ProtectedResource => (
                &["get_protected_resource", "get_protected_resource_of_mcp"],
                Some(Route::Tasks),
            ),
            Route::Tasks => (&["list_tasks"], Some(Route::Task(""))),
            Route::Task(_) => (
                &["get_refinement_task", "get_task"],
                Some(Route::DeleteTask("")),
            ),
            Route::DeleteTask(_) => (&["delete_task"], Some(Route::TaskEvents(""))),
            Route::TaskEvents(_) => (&["watch_task"], Some(Route::CancelTask(""))),
            Route::CancelTask(_) => (&["cancel_task"], Some(Route::Quota)),
            Route::Quota => (&["get_quota"], Some(Route::Usage)),
            Route::Usage => (&["get_usage"], Some(Route::Webhook(""))),
            Route::Webhook(_) => (&["get_webhook"], Some(Route::Redeliver(""))),
            Route::Redeliver(_) => (&["redeliver_webhook"], Some(Route::WebhookSecret)),
            Route::WebhookSecret => (&["get_webhook_secret"], Some(Route::Concepts)),
            Route::Concepts => (&["list_concepts"], Some(Route::Concept(""))),
            Route::Concept(_) => (&["get_concept"], Some(Route::DeleteConcept(""))),
            Route::DeleteConcept(_) => (&["delete_concept"], Some(Route::Lineage(""))),
            Route::Lineage(_) => (&["get_lineage"], Some(Route::Verify)),
            Route::Verify => (&["verify_image"], Some(Route::Upload)),
            Route::Upload => (&["upload_image"], Some(Route::Image)),
            Route::Image => (&["get_image", "get_image_head"], Some(Route::DeleteImage)),
            Route::DeleteImage => (&["delete_image"], Some(Route::Session)),
            Route::Session => (&["create_session"], Some(Route::Me)),
            Route::Me => (&["delete_me"], Some(Route::Health)),
            Route::Health => (&["get_health"], Some(Route::Ready)),
            Route::Ready => (&["get_readiness"], Some(Route::PageService)),
            Route::PageService => (
                &["get_page_service"],
                assets::all().next().map(Route::Asset),
            ),
            Route::Asset(_) => (
                &[
                    "get_docs",
                    "get_docs_file",
                    "get_openapi",
                    "get_page",
                    "get_page_file",
                ],
                None,
            ),
        };
        all.push((route, ids));
        next = following;
    }
    all
}

/// A path of the document with something for each parameter.
fn filled(path: &str) -> String {
    let file = assets::all()
        .filter_map(|asset| asset.path.rsplit_once('/'))
        .find(|(folder, _)| path.strip_suffix("/{file}") == Some(folder))
        .map_or("", |(_, file)| file);
    path.replace("{file}", file)
        .replace("{task_id}", "1")
        .replace("{concept_id}", "1")
        .replace("{path}", "a/b.png")
}

#[test]
fn the_operations_are_those_of_the_router() {
    let document = document();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled = filled(path);
        for (method, name) in METHODS {
            let found = route(method, &filled);
            let is_described = !item[name].is_null() || name == "head" && !item["get"].is_null();
            assert_eq!(found.is_ok(), is_described, "{name} {path}");
            if let (Ok(found), Some(id)) = (found, item[name]["operationId"].as_str()) {
                let kind = format!("{:?}", discriminant(&found));
                described.entry(kind).or_default().insert(id.to_owned());
            }
        }
    }
    for (route, ids) in operations() {
        let ids: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let described = described.remove(&format!("{:?}", discriminant(&route)));
        assert_eq!(described, Some(ids), "{route:?}");
    }
    assert!(described.is_empty(), "{described:?}");
}

#[test]
fn the_files_are_those_that_are_served() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Ok(Route::Asset(_)) = route(Method::Get, &filled(path)) else {
            continue;
        };
        let operation = &item["get"];
        let parameters = operation["parameters"].as_array().unwrap();
        let files: Vec<String> = match path.strip_suffix("{file}") {
            None => vec![path.clone()],
            Some(folder) => parameters
                .iter()
                .filter(|parameter| parameter["name"] == "file")
                .flat_map(|parameter| parameter["schema"]["enum"].as_array().unwrap())
                .map(|name| format!("{folder}{}", name.as_str().unwrap()))
                .collect(),
        };
        let media_types = files.iter().map(|file| {
            let asset = assets::find(file).unwrap_or_else(|| panic!("{file} is not served"));
            asset.media_type.split(';').next().unwrap()
        });
        let content = &operation["responses"]["200"]["content"];
        let content = content.as_object().unwrap();
        assert_eq!(keys(content), media_types.collect(), "{path}");
        described.extend(files);
    }
    let served: BTreeSet<String> = assets::all().map(|it| it.path.to_owned()).collect();
    assert_eq!(described, served);
}

#[test]
fn operations_have_names_of_their_own_and_words() {
    DOCUMENT.with(|document| {
        let mut ids = BTreeSet::new();
        let mut tags = BTreeSet::new();
        for operation in document.operations() {
            let id = operation.object["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            for part in ["summary", "description"] {
                let words = operation.object[part].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{id} has no {part}");
            }
            tags.insert(operation.object["tags"][0].clone().to_string());
        }
        let listed = document.json()["tags"].as_array().unwrap();
        let listed: BTreeSet<String> = listed.iter().map(|tag| tag["name"].to_string()).collect();
        assert_eq!(tags, listed);
    });
}

/// What nothing refers to is out of date.
#[test]
fn every_component_is_used() {
    let document = document();
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("\"#/components/{kind}/{name}\"");
            assert!(TEXT.contains(&reference), "{reference} is not used");
        }
    }
}

#[test]
fn every_example_fits_its_schema() {
    let bad = DOCUMENT.with(Document::bad_examples);
    assert!(bad.is_empty(), "{bad:#?}");
}

/// What is answered of a request only if it was sent.
const OPTIONAL: [&str; 9] = [
    "deadline_seconds",
    "mask_feather",
    "mask_url",
    "original_concept_id",
    "preserve_aspects",
    "region",
    "region_only",
    "seed",
    "strength",
];

/// A refinement with every field that is optional.
fn edit() -> Refinement {
    let region = Region {
        x: 1,
        y: 2,
        width: 3,
        height: 4,
    };
    Refinement {
        original_concept_id: Some("c2a4e8f0-5b7d-4c3a-8e91-6d2f0b9a7c55".into()),
        preserve_aspects: Some(vec![Aspect::Colors]),
        strength: Strength::new(0.5),
        seed: Some(5),
        region: Some(region),
        mask_url: Some("https://example.com/mask.png".into()),
        mask_feather: Some(6),
        region_only: Some(true),
        deadline_seconds: Some(30),
        ..Refinement::default()
    }
}

/// So that an answer which fits its schema has the very keys of it.
#[test]
fn what_is_answered_has_all_keys_and_no_others() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        let sent = [
            "OpenAIEdit",
            "OpenAIEditForm",
            "OpenAIImageUrl",
            "RefinementRequest",
            "Region",
        ];
        if sent.contains(&name.as_str()) {
            continue; // unknown keys are ignored
        }
        let required = schema["required"].as_array().unwrap();
        let mut known: BTreeSet<&str> = required.iter().map(|key| key.as_str().unwrap()).collect();
        // Present only where there is something to say.
        if name == "RefinementMetadata" {
            known.extend(["cost", "notes"]);
            known.extend(OPTIONAL);
        }
        known.extend((name == "WebhookEvent").then_some("retry_of"));
        let has_usage = ["OpenAIImages", "OpenAICompleted", "OpenAICompletedUrl"];
        known.extend(has_usage.contains(&name.as_str()).then_some("usage"));
        assert_eq!(known, keys(properties), "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
    }
}

#[test]
fn a_refinement_is_described_with_all_that_was_sent() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let properties = |name: &str| keys(schemas[name]["properties"].as_object().unwrap());
    let edit = json!(edit());
    let sent = keys(edit.as_object().unwrap());
    let mut answered = sent.clone();
    answered.extend(["cost", "notes"]);
    assert_eq!(properties("RefinementMetadata"), answered);
    let mut asked = sent;
    asked.insert("webhook_url");
    assert_eq!(properties("RefinementRequest"), asked);

    let region = keys(edit["region"].as_object().unwrap());
    assert_eq!(properties("Region"), region);
    let required = schemas["Region"]["required"].as_array().unwrap();
    let required: BTreeSet<&str> = required.iter().filter_map(Value::as_str).collect();
    assert_eq!(required, region);
    // What is described as a number is one.
    for name in OPTIONAL {
        let kind = &schemas["RefinementMetadata"]["properties"][name]["type"];
        let value = &edit[name];
        let expected = match value {
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::Bool(_) => "boolean",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            _ => continue, // by a schema of its own
        };
        assert_eq!(kind, expected, "{name}");
    }
}

#[test]
fn names_and_limits_are_those_of_the_code() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let request = &schemas["RefinementRequest"]["properties"];
    let prompt = &request["refinement_prompt"];
    let metadata = json!(Refinement {
        original_image_url: None,
        refinement_prompt: String::new(),
        ..Refinement::default()
    });
    let metadata = keys(metadata.as_object().unwrap());
    let session = &document["paths"]["/api/auth/session"]["post"]["responses"]["201"];
    let session = &session["content"]["application/json"]["examples"]["session"]["value"];
    let limit = |path: &str| &document["paths"][path]["get"]["parameters"][0]["schema"];
    let (tasks, concepts) = (limit("/api/tasks"), limit("/api/concepts"));
    let parameters = &document["paths"]["/api/images/{path}"]["get"]["parameters"];
    let download = parameters.as_array().unwrap().iter();
    let download = download.filter(|it| it["name"] == "download");
    let download = download.map(|it| &it["schema"]).next().unwrap();
    let version = json!(env!("CARGO_PKG_VERSION"));
    let names = statuses().map(Status::as_str);
    let (original, deadline) = (&request["original_image_url"], &request["deadline_seconds"]);
    let (logo, theme) = (&request["logo_description"], &request["theme_description"]);
    let notes = &schemas["ConceptResponse"]["properties"]["notes"];
    for (described, expected) in [
        (&document["info"]["version"], version),
        (&schemas["TaskStatus"]["enum"], json!(names)),
        (&schemas["StageName"]["enum"], json!(stages())),
        (&schemas["ErrorCode"]["enum"], json!(problems::codes())),
        (&schemas["RefinementMetadata"]["required"], json!(metadata)),
        (&original["maxLength"], json!(MAX_URL_CHARS)),
        (&request["webhook_url"]["maxLength"], json!(MAX_URL_CHARS)),
        (&request["mask_url"]["maxLength"], json!(MAX_URL_CHARS)),
        (&request["mask_feather"]["maximum"], json!(MAX_FEATHER)),
        (&request["seed"]["maximum"], json!(u32::MAX)),
        (&deadline["minimum"], json!(MIN_DEADLINE.as_secs())),
        (&prompt["minLength"], json!(MIN_PROMPT_CHARS)),
        (&prompt["maxLength"], json!(MAX_PROMPT_CHARS)),
        (&logo["maxLength"], json!(MAX_DESCRIPTION_CHARS)),
        (&theme["maxLength"], json!(MAX_DESCRIPTION_CHARS)),
        (&session["expires_in"], json!(SESSION_LIFE.as_secs())),
        (&notes["maxItems"], json!(MAX_NOTES)),
        (&notes["items"]["maxLength"], json!(MAX_CHARS)),
        (&tasks["maximum"], json!(MAX_LIMIT)),
        (&tasks["default"], json!(DEFAULT_LIMIT)),
        (&concepts["maximum"], json!(MAX_LIMIT)),
        (&concepts["default"], json!(DEFAULT_LIMIT)),
        (&download["maxLength"], json!(MAX_NAME_CHARS)),
    ] {
        assert_eq!(*described, expected);
    }
}

#[test]
fn images_are_of_the_formats_that_are_taken() {
    let paths = &document()["paths"];
    let image = &paths["/api/images/{path}"]["get"]["responses"];
    let formats: BTreeSet<&str> = Format::ALL.into_iter().map(Format::media_type).collect();
    for status in ["200", "206"] {
        // One for all, so that generated clients have one kind of answer.
        let content = image[status]["content"].as_object().unwrap();
        assert_eq!(keys(content), ["image/*"].into(), "{status}");
    }
    let mut taken = formats;
    taken.insert("application/octet-stream"); // the contents decide
    let upload = &paths["/api/images"]["post"]["requestBody"]["content"];
    assert_eq!(keys(upload.as_object().unwrap()), taken);
}

#[test]
fn examples_say_what_the_code_says() {
    let document = document();
    let paths = &document["paths"];
    let message = |operation: &Value, status: &str, name: &str| {
        let content = &operation["responses"][status]["content"]["application/json"];
        content["examples"][name]["value"]["message"].clone()
    };
    for path in ["/api/concepts/task/{task_id}", "/api/tasks/{task_id}"] {
        for status in statuses() {
            let said = message(&paths[path]["get"], "200", status.as_str());
            assert_eq!(said, sentence::task_is(status), "{path}");
        }
    }
    let refine = &paths["/api/concepts/refine"]["post"];
    assert_eq!(message(refine, "202", "created"), sentence::TASK_CREATED);
    assert_eq!(message(refine, "409", "active"), sentence::TASK_ACTIVE);

    let events = &paths["/api/tasks/{task_id}/events"]["get"]["responses"]["200"];
    let events = &events["content"]["text/event-stream"]["examples"];
    let deleted = "7d0f5a52-3c1e-4f6b-9a57-2f6f3f1f9d10";
    for (example, written) in [
        ("refining", event::progress(Stage::Refining)),
        ("deleted", event::deleted(deleted)),
    ] {
        let shown = &events[example]["value"];
        let name = shown["event"].as_str().unwrap();
        let written = written.unwrap();
        let begin = format!("event: {name}\n");
        assert!(written.starts_with(&begin), "{example}");
        let (_, data) = written.split_once("data: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(shown["data"], data, "{example}");
    }
}

/// Tools take the schema of a stream for that of one event.
#[test]
fn each_event_of_a_stream_has_a_type() {
    let document = document();
    let events = &document["paths"]["/api/tasks/{task_id}/events"]["get"]["responses"]["200"];
    let stream = &events["content"]["text/event-stream"]["schema"]["$ref"];
    let event = document.pointer(stream.as_str().unwrap().trim_start_matches('#'));
    let types = event.unwrap()["discriminator"]["mapping"]
        .as_object()
        .unwrap();
    assert_eq!(keys(types), ["deleted", "progress", "task"].into());
    for (name, reference) in types {
        let of_event = document.pointer(reference.as_str().unwrap().trim_start_matches('#'));
        assert_eq!(of_event.unwrap()["properties"]["event"]["const"], **name);
    }
}

/// What is sent to receivers is described beside what is asked of the service.
#[test]
fn both_webhooks_are_described() {
    let document = document();
    let webhooks = keys(document["webhooks"].as_object().unwrap());
    assert_eq!(webhooks, ["task.completed", "task.failed"].into());
    for webhook in webhooks {
        let body = &document["webhooks"][webhook]["post"]["requestBody"];
        let schema = &body["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/WebhookEvent");
    }
}

fn keys(object: &serde_json::Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

/// Another status does not compile before it is listed.
fn statuses() -> [Status; 4] {
    let all = [
        Status::Pending,
        Status::Processing,
        Status::Completed,
        Status::Failed,
    ];
    match all[0] {
        Status::Pending | Status::Processing | Status::Completed | Status::Failed => all,
    }
}

/// Another stage does not compile before it is listed.
fn stages() -> [Stage; 4] {
    let all = [
        Stage::Downloading,
        Stage::Refining,
        Stage::StoringImage,
        Stage::StoringConcept,
    ];
    match all[0] {
        Stage::Downloading | Stage::Refining | Stage::StoringImage | Stage::StoringConcept => all,
    }
}
