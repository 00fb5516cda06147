//! Finds the route for a path and a method. Routing comes before authentication, so that
//! everyone gets 404 for an unknown path and 405 for a wrong method.

use crate::assets::{self, Asset};
use crate::problem::Problem;
use crate::request::Method;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    Refine,
    Tasks,
    Task(&'a str),
    DeleteTask(&'a str),
    TaskEvents(&'a str),
    CancelTask(&'a str),
    Webhook(&'a str),
    Redeliver(&'a str),
    WebhookSecret,
    Me,
    Quota,
    Concepts,
    Concept(&'a str),
    DeleteConcept(&'a str),
    Upload,
    /// The rest of the path names the image; see `wit/image-store.wit`.
    Image,
    DeleteImage,
    Session,
    Health,
    Ready,
    PageService,
    Asset(&'static Asset),
}

/// Data for the web page, besides its files.
const PAGE_SERVICE: &str = "/page/service.json";

pub fn route(method: Method, path: &str) -> Result<Route<'_>, Problem> {
    let unknown = Problem::NotFound("There is nothing at this path.");
    if path == PAGE_SERVICE {
        return get(method, Route::PageService);
    }
    let Some(path) = path.strip_prefix("/api/") else {
        let asset = assets::find(path).ok_or(unknown)?;
        return get(method, Route::Asset(asset));
    };
    let (collection, rest) = match path.split_once('/') {
        Some((_, "")) => return Err(unknown),
        Some((collection, rest)) => (collection, Some(rest)),
        None => (path, None),
    };
    match (collection, rest) {
        ("tasks", None) => get(method, Route::Tasks),
        ("tasks", Some(id)) if is_one(id) => {
            get_or_delete(method, Route::Task(id), Route::DeleteTask(id))
        }
        ("tasks", Some(rest)) => match rest.split_once('/') {
            Some((id, "events")) if is_one(id) => get(method, Route::TaskEvents(id)),
            Some((id, "cancel")) if is_one(id) => post(method, Route::CancelTask(id)),
            Some((id, "webhook")) if is_one(id) => get(method, Route::Webhook(id)),
            Some((id, "webhook/redeliver")) if is_one(id) => post(method, Route::Redeliver(id)),
            _ => Err(unknown),
        },
        ("concepts", None) => get(method, Route::Concepts),
        ("concepts", Some("refine")) => post(method, Route::Refine),
        ("concepts", Some(id)) if is_one(id) => {
            get_or_delete(method, Route::Concept(id), Route::DeleteConcept(id))
        }
        ("concepts", Some(rest)) => match rest.split_once('/') {
            Some(("task", id)) if is_one(id) => get(method, Route::Task(id)),
            _ => Err(unknown),
        },
        ("images", None) => post(method, Route::Upload),
        ("images", Some(_)) => get_or_delete(method, Route::Image, Route::DeleteImage),
        ("me", None) => delete(method, Route::Me),
        ("quota", None) => get(method, Route::Quota),
        ("webhooks", Some("secret")) => get(method, Route::WebhookSecret),
        ("auth", Some("session")) => post(method, Route::Session),
        ("health", None) => get(method, Route::Health),
        ("health", Some("ready")) => get(method, Route::Ready),
        _ => Err(unknown),
    }
}

/// Whether the path is used by programs rather than by people.
pub fn is_of_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// The template of the path, with names for its variable parts. None: there is no such
/// route.
pub fn template(method: Method, path: &str) -> Option<&'static str> {
    Some(match route(method, path).ok()? {
        Route::Refine => "/api/concepts/refine",
        Route::Tasks => "/api/tasks",
        Route::Task(_) | Route::DeleteTask(_) => "/api/tasks/{task_id}",
        Route::TaskEvents(_) => "/api/tasks/{task_id}/events",
        Route::CancelTask(_) => "/api/tasks/{task_id}/cancel",
        Route::Me => "/api/me",
        Route::Quota => "/api/quota",
        Route::Webhook(_) => "/api/tasks/{task_id}/webhook",
        Route::Redeliver(_) => "/api/tasks/{task_id}/webhook/redeliver",
        Route::WebhookSecret => "/api/webhooks/secret",
        Route::Concepts => "/api/concepts",
        Route::Concept(_) | Route::DeleteConcept(_) => "/api/concepts/{id}",
        Route::Upload => "/api/images",
        Route::Image | Route::DeleteImage => "/api/images/{path}",
        Route::Session => "/api/auth/session",
        Route::Health => "/api/health",
        Route::Ready => "/api/health/ready",
        Route::PageService => PAGE_SERVICE,
        Route::Asset(asset) => match asset.path.rsplit_once('/') {
            Some(("/page", _)) => "/page/{file}",
            Some(("/docs", _)) => "/docs/{file}",
            _ => asset.path,
        },
    })
}

/// Whether it is exactly one segment.
fn is_one(rest: &str) -> bool {
    !rest.is_empty() && !rest.contains('/')
}

fn get<'a>(method: Method, route: Route<'a>) -> Result<Route<'a>, Problem> {
    match method {
        Method::Get | Method::Head => Ok(route),
        Method::Post | Method::Delete | Method::Options | Method::Other => {
            Err(Problem::MethodNotAllowed { allow: "GET, HEAD" })
        }
    }
}

fn post<'a>(method: Method, route: Route<'a>) -> Result<Route<'a>, Problem> {
    match method {
        Method::Post => Ok(route),
        Method::Get | Method::Head | Method::Delete | Method::Options | Method::Other => {
            Err(Problem::MethodNotAllowed { allow: "POST" })
        }
    }
}

fn delete<'a>(method: Method, route: Route<'a>) -> Result<Route<'a>, Problem> {
    match method {
        Method::Delete => Ok(route),
        Method::Get | Method::Head | Method::Post | Method::Options | Method::Other => {
            Err(Problem::MethodNotAllowed { allow: "DELETE" })
        }
    }
}

fn get_or_delete<'a>(
    method: Method,
    read: Route<'a>,
    delete: Route<'a>,
) -> Result<Route<'a>, Problem> {
    match method {
        Method::Get | Method::Head => Ok(read),
        Method::Delete => Ok(delete),
        Method::Post | Method::Options | Method::Other => Err(Problem::MethodNotAllowed {
            allow: "GET, HEAD, DELETE",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_name_routes() {
        use Method::{Delete, Get, Head, Post};
        let cases = [
            (Post, "/api/concepts/refine", Route::Refine),
            (Get, "/api/concepts/task/1", Route::Task("1")),
            (Get, "/api/tasks", Route::Tasks),
            (Head, "/api/tasks", Route::Tasks),
            (Get, "/api/tasks/1", Route::Task("1")),
            (Delete, "/api/tasks/1", Route::DeleteTask("1")),
            (Get, "/api/tasks/1/events", Route::TaskEvents("1")),
            (Head, "/api/tasks/1/events", Route::TaskEvents("1")),
            (Get, "/api/tasks/1/webhook", Route::Webhook("1")),
            (
                Post,
                "/api/tasks/1/webhook/redeliver",
                Route::Redeliver("1"),
            ),
            (Get, "/api/webhooks/secret", Route::WebhookSecret),
            (Get, "/api/concepts", Route::Concepts),
            (Get, "/api/concepts/1", Route::Concept("1")),
            (Get, "/api/concepts/task", Route::Concept("task")),
            (Delete, "/api/concepts/1", Route::DeleteConcept("1")),
            (Post, "/api/images", Route::Upload),
            (Get, "/api/images/a/b.png", Route::Image),
            (Head, "/api/images/a", Route::Image),
            (Delete, "/api/images/a/b", Route::DeleteImage),
            (Delete, "/api/me", Route::Me),
            (Post, "/api/auth/session", Route::Session),
            (Get, "/api/health", Route::Health),
            (Get, "/api/health/ready", Route::Ready),
            (Get, "/page/service.json", Route::PageService),
        ];
        for (method, path, expected) in cases {
            assert_eq!(
                route(method, path).ok(),
                Some(expected),
                "{method:?} {path}"
            );
        }
    }

    #[test]
    fn unknown_paths_are_404_and_wrong_methods_405() {
        use Method::{Delete, Get, Head, Other, Post};
        let cases = [
            (Get, "", None),
            (Get, "/page", None),
            (Get, "/page/", None),
            (Post, "/", Some("GET, HEAD")),
            (Get, "/api", None),
            (Get, "/api/", None),
            (Get, "/API/tasks", None),
            (Get, "api/tasks", None),
            (Get, "/api/tasks/", None),
            (Get, "//api/tasks", None),
            (Get, "/api//tasks", None),
            (Get, "/api/tasks/1/", None),
            (Get, "/api/tasks//events", None),
            (Get, "/api/tasks/1/events/", None),
            (Get, "/api/tasks/1/events/2", None),
            (Get, "/api/tasks/1/event", None),
            (Get, "/api/concepts/task/1/events", None),
            (Get, "/api/concepts/task/", None),
            (Get, "/api/concepts/task/1/2", None),
            (Get, "/api/concepts/refine/", None),
            (Get, "/api/images/", None),
            (Post, "/api/images/", None),
            (Delete, "/api/me/", None),
            (Get, "/api/me", Some("DELETE")),
            (Post, "/api/me", Some("DELETE")),
            (Get, "/api/auth", None),
            (Get, "/api/health/live", None),
            (Get, "/docs/", None),
            (Get, "/docs/index.html", None),
            (Get, "/openapi.json/", None),
            (Post, "/docs", Some("GET, HEAD")),
            (Delete, "/openapi.json", Some("GET, HEAD")),
            (Get, "/api/concepts/refine", Some("POST")),
            (Head, "/api/concepts/refine", Some("POST")),
            (Delete, "/api/concepts/refine", Some("POST")),
            (Other, "/api/concepts/refine", Some("POST")),
            (Post, "/api/concepts/task/1", Some("GET, HEAD")),
            (Delete, "/api/concepts/task/1", Some("GET, HEAD")),
            (Post, "/api/tasks", Some("GET, HEAD")),
            (Other, "/api/tasks/1", Some("GET, HEAD, DELETE")),
            (Post, "/api/tasks/1/events", Some("GET, HEAD")),
            (Delete, "/api/tasks/1/events", Some("GET, HEAD")),
            (Get, "/api/tasks//webhook", None),
            (Get, "/api/tasks/1/webhook/", None),
            (Post, "/api/tasks/1/webhook/redeliver/", None),
            (Get, "/api/webhooks", None),
            (Post, "/api/tasks/1/webhook", Some("GET, HEAD")),
            (Get, "/api/tasks/1/webhook/redeliver", Some("POST")),
            (Post, "/api/webhooks/secret", Some("GET, HEAD")),
            (Post, "/api/concepts/1", Some("GET, HEAD, DELETE")),
            (Get, "/api/images", Some("POST")),
            (Post, "/api/images/a", Some("GET, HEAD, DELETE")),
            (Get, "/api/auth/session", Some("POST")),
            (Post, "/api/health", Some("GET, HEAD")),
            (Delete, "/api/health/ready", Some("GET, HEAD")),
        ];
        for (method, path, expected) in cases {
            let allow = match route(method, path) {
                Err(Problem::NotFound(_)) => None,
                Err(Problem::MethodNotAllowed { allow }) => Some(allow),
                other => panic!("{method:?} {path}: {other:?}"),
            };
            assert_eq!(allow, expected, "{method:?} {path}");
        }
    }
}
