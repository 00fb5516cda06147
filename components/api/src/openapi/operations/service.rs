//! Sessions, health, and the files that are served as they stand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::assets::{self, Asset};
use crate::auth::SESSION_LIFE;
use crate::openapi::examples::{TOKEN, USER_ID};
use crate::openapi::operation::{Asker, Operation, header_parameter, json_of};

const PAGES: &str = "pages";

pub fn session() -> Operation {
    let session = json!({
        "access_token": TOKEN,
        "token_type": "bearer",
        "expires_in": SESSION_LIFE.as_secs(),
        "user_id": USER_ID,
    });
    Operation::new(
        "post",
        "/api/auth/session",
        "create_session",
        "sessions",
        Asker::Anyone,
    )
    .says(
        "Become an anonymous user",
        "Makes a user. The token is answered, and set as the cookie `session`. Only where \
             anonymous sessions are on, as they are by default.",
    )
    .answers(
        201,
        "A new user.",
        &["Set-Cookie"],
        json_of("SessionResponse", &[("session", "A new user", session)]),
    )
    .refuses(&["NoSessions", "TooManySessions"])
}

pub fn health() -> Operation {
    let healthy = json!({
        "status": "healthy",
        "version": env!("CARGO_PKG_VERSION"),
        "model": "local: edits by rules",
    });
    Operation::new("get", "/api/health", "get_health", "health", Asker::Anyone)
        .says("Does it live?", "Answers as long as the process lives.")
        .answers(
            200,
            "The process lives.",
            &[],
            json_of("HealthResponse", &[("healthy", "Healthy", healthy)]),
        )
}

pub fn ready() -> Operation {
    let state = |status: &str, model: &str| {
        let capabilities = json!({"tasks": "ok", "queue": "ok", "images": "ok", "model": model});
        json!({"status": status, "capabilities": capabilities})
    };
    let degraded = state("degraded", "The model failed 5 times in a row.");
    let mut unready = json_of("ReadyResponse", &[("degraded", "Degraded", degraded)]);
    unready["application/json"]["schema"] = json!({"anyOf": [
        {"$ref": "#/components/schemas/ReadyResponse"},
        {"$ref": "#/components/schemas/ErrorResponse"},
    ]});
    Operation::new(
        "get",
        "/api/health/ready",
        "get_readiness",
        "health",
        Asker::Anyone,
    )
    .says(
        "Can it work?",
        "What the service needs, each with `ok` or a sentence that says why it cannot be \
             used. The model is judged by its last calls.",
    )
    .answers(
        200,
        "Everything can be used.",
        &[],
        json_of("ReadyResponse", &[("ready", "Ready", state("ready", "ok"))]),
    )
    .answers(
        503,
        "Something cannot be used, or too many requests are under way.",
        &["Retry-After"],
        unready,
    )
}

/// Pages by themselves, their scripts and styles together.
pub fn assets() -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut folders: BTreeMap<&str, Vec<&Asset>> = BTreeMap::new();
    for asset in assets::all() {
        match asset.path.rsplit_once('/') {
            Some((folder, _)) if !folder.is_empty() => {
                folders.entry(folder).or_default().push(asset);
            }
            _ => operations.push(page(asset)),
        }
    }
    operations.extend(
        folders
            .into_iter()
            .map(|(folder, files)| of_folder(folder, &files)),
    );
    operations
}

fn page(asset: &Asset) -> Operation {
    let (id, summary, description) = match asset.path {
        "/" => (
            "get_page",
            "The web page",
            "Refine images without a program.",
        ),
        "/docs" => (
            "get_docs",
            "The documentation",
            "A page to read this document, and to try it.",
        ),
        "/openapi.json" => (
            "get_openapi",
            "This document",
            "OpenAPI 3.1, made from the code.",
        ),
        other => panic!("{other} is not described"),
    };
    file("get", asset.path, id, content(&[asset])).says(summary, description)
}

fn of_folder(folder: &str, files: &[&Asset]) -> Operation {
    let names: Vec<&str> = files
        .iter()
        .filter_map(|asset| asset.path.rsplit('/').next())
        .collect();
    let id = format!("get{}_file", folder.replace(['/', '-'], "_"));
    let page = match folder {
        "/docs" => "/docs",
        _ => "/",
    };
    file("get", &format!("{folder}/{{file}}"), &id, content(files))
        .says(
            &format!("What the page {page} is made of"),
            "Its scripts, styles and pictures: for browsers.",
        )
        .takes(json!({
            "name": "file",
            "in": "path",
            "required": true,
            "description": "The file's name.",
            "schema": {"type": "string", "enum": names},
        }))
        .refuses(&["NothingHere"])
}

fn file(method: &'static str, path: &str, id: &str, content: Value) -> Operation {
    const FIELDS: [&str; 2] = ["ETag", "Cache-Control"];
    Operation::new(method, path, id, PAGES, Asker::Anyone)
        .takes(header_parameter(
            "If-None-Match",
            "Validators of what is known already.",
            "\"9f86d081884c7d65\"",
        ))
        .answers(200, "The file.", &FIELDS, content)
        .answers(304, "The file is known already.", &FIELDS, Value::Null)
}

fn content(files: &[&Asset]) -> Value {
    files
        .iter()
        .map(|asset| {
            let essence = asset.media_type.split(';').next().unwrap_or_default();
            let schema = match essence {
                "application/json" => json!({"type": "object"}),
                _ => json!({"type": "string"}),
            };
            (essence.to_owned(), json!({"schema": schema}))
        })
        .collect::<serde_json::Map<String, Value>>()
        .into()
}
