//! The operations of the document: each route of the router has its own, at
//! each path that leads to it.

mod concepts;
mod images;
mod service;
mod tasks;

use serde_json::{Value, json};

use super::operation::Operation;
use crate::assets;
use crate::paging::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::router::Route;

/// One route of each kind, in the order of the document. Another kind does not
/// compile before it is listed.
pub fn routes() -> Vec<Route<'static>> {
    let first_asset = assets::all().next().unwrap();
    let next = |route: Option<Route<'static>>| match route {
        None => Some(Route::Refine),
        Some(Route::Refine) => Some(Route::Task("")),
        Some(Route::Task(_)) => Some(Route::Tasks),
        Some(Route::Tasks) => Some(Route::TaskEvents("")),
        Some(Route::TaskEvents(_)) => Some(Route::DeleteTask("")),
        Some(Route::DeleteTask(_)) => Some(Route::Upload),
        Some(Route::Upload) => Some(Route::Image),
        Some(Route::Image) => Some(Route::DeleteImage),
        Some(Route::DeleteImage) => Some(Route::Concepts),
        Some(Route::Concepts) => Some(Route::Concept("")),
        Some(Route::Concept(_)) => Some(Route::DeleteConcept("")),
        Some(Route::DeleteConcept(_)) => Some(Route::Session),
        Some(Route::Session) => Some(Route::Health),
        Some(Route::Health) => Some(Route::Ready),
        Some(Route::Ready) => Some(Route::Asset(first_asset)),
        Some(Route::Asset(_)) => None,
    };
    std::iter::successors(next(None), |route| next(Some(*route))).collect()
}

/// What the document says of a kind of route.
pub fn of(route: Route<'_>) -> Vec<Operation> {
    match route {
        Route::Refine => vec![tasks::refine()],
        Route::Task(_) => tasks::get(),
        Route::Tasks => vec![tasks::list()],
        Route::TaskEvents(_) => vec![tasks::events()],
        Route::DeleteTask(_) => vec![tasks::delete()],
        Route::Upload => vec![images::upload()],
        Route::Image => images::get(),
        Route::DeleteImage => vec![images::delete()],
        Route::Concepts => vec![concepts::list()],
        Route::Concept(_) => vec![concepts::get()],
        Route::DeleteConcept(_) => vec![concepts::delete()],
        Route::Session => vec![service::session()],
        Route::Health => vec![service::health()],
        Route::Ready => vec![service::ready()],
        Route::Asset(_) => service::assets(),
    }
}

fn limit() -> Value {
    json!({
        "name": "limit",
        "in": "query",
        "description": "At most so many.",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_LIMIT,
            "default": DEFAULT_LIMIT,
        },
    })
}

fn cursor() -> Value {
    json!({
        "name": "cursor",
        "in": "query",
        "description": "The `next_cursor` of the page before, as it was answered to this user.",
        "schema": {"type": "string", "minLength": 1},
    })
}
