//! Finds the route for a path and a method. Routing comes before authentication, so that
//! everyone gets 404 for an unknown path and 405 for a wrong method.

use concept_refinement_domain::openai;

use crate::assets::{self, Asset};
use crate::problem::Problem;
use crate::request::Method;
use crate::routes::{mcp, protected_resource};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// Of OpenAI's API.
    Edits,
    Models,
    Mcp,
    ProtectedResource,
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
    Usage,
    Concepts,
    Concept(&'a str),
    Lineage(&'a str),
    DeleteConcept(&'a str),
    Upload,
    /// The rest of the path names the image; see `wit/image-store.wit`.
    Image,
    DeleteImage,
    Verify,
    Session,
    Health,
    Ready,
    PageService,
    Asset(&'static Asset),
}

/// Data for the web page, besides its files.
const PAGE_SERVICE: &str = "/page/service.json";

/// The routes of a path, by method; those of `GET` are those of `HEAD` too.
enum Routes<'a> {
    Get(Route<'a>),
    Post(Route<'a>),
    Delete(Route<'a>),
    GetAndDelete(Route<'a>, Route<'a>),
}

use Routes::{Delete, Get, GetAndDelete, Post};

pub fn route(method: Method, path: &str) -> Result<Route<'_>, Problem> {
    found(method, path).map(|(_, route)| route)
}

/// The template of the path, with names for its variable parts. None: there is no such
/// route.
pub fn template(method: Method, path: &str) -> Option<&'static str> {
    found(method, path).ok().map(|(template, _)| template)
}

/// Whether the path is used by programs rather than by people.
pub fn is_of_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/") || openai::has(path)
}

fn found(method: Method, path: &str) -> Result<(&'static str, Route<'_>), Problem> {
    let unknown = Problem::NotFound("There is nothing at this path.");
    let (template, routes) = match (path, path.strip_prefix("/api/")) {
        (openai::EDITS, _) => Some((openai::EDITS, Post(Route::Edits))),
        (openai::MODELS, _) => Some((openai::MODELS, Get(Route::Models))),
        (mcp::PATH, _) => Some((mcp::PATH, Post(Route::Mcp))),
        (protected_resource::PATH | protected_resource::OF_MCP, _) => {
            Some((protected_resource::PATH, Get(Route::ProtectedResource)))
        }
        (_, Some(path)) => of_api(path),
        (path, None) => of_page(path),
    }
    .ok_or(unknown)?;
    let allow = routes.methods();
    let route = routes.of(method);
    let route = route.ok_or(Problem::MethodNotAllowed { allow })?;
    Ok((template, route))
}

fn of_page(path: &str) -> Option<(&'static str, Routes<'_>)> {
    if path == PAGE_SERVICE {
        return Some((PAGE_SERVICE, Get(Route::PageService)));
    }
    let asset = assets::find(path)?;
    let template = match asset.path.rsplit_once('/') {
        Some(("/page", _)) => "/page/{file}",
        Some(("/docs", _)) => "/docs/{file}",
        _ => asset.path,
    };
    Some((template, Get(Route::Asset(asset))))
}

fn of_api(path: &str) -> Option<(&'static str, Routes<'_>)> {
    let segments: Vec<_> = path.split('/').collect();
    Some(match *segments {
        ["images"] => ("/api/images", Post(Route::Upload)),
        ["images", ""] => return None,
        ["images", ..] => (
            "/api/images/{path}",
            GetAndDelete(Route::Image, Route::DeleteImage),
        ),
        [.., ""] | [_, "", ..] => return None,
        ["tasks"] => ("/api/tasks", Get(Route::Tasks)),
        ["tasks", id] => (
            "/api/tasks/{task_id}",
            GetAndDelete(Route::Task(id), Route::DeleteTask(id)),
        ),
        ["concepts", "task", id] => ("/api/tasks/{task_id}", Get(Route::Task(id))),
        ["tasks", id, "events"] => ("/api/tasks/{task_id}/events", Get(Route::TaskEvents(id))),
        ["tasks", id, "cancel"] => ("/api/tasks/{task_id}/cancel", Post(Route::CancelTask(id))),
        ["tasks", id, "webhook"] => ("/api/tasks/{task_id}/webhook", Get(Route::Webhook(id))),
        ["tasks", id, "webhook", "redeliver"] => (
            "/api/tasks/{task_id}/webhook/redeliver",
            Post(Route::Redeliver(id)),
        ),
        ["concepts"] => ("/api/concepts", Get(Route::Concepts)),
        ["concepts", "refine"] => ("/api/concepts/refine", Post(Route::Refine)),
        ["concepts", id] => (
            "/api/concepts/{id}",
            GetAndDelete(Route::Concept(id), Route::DeleteConcept(id)),
        ),
        ["concepts", id, "lineage"] => ("/api/concepts/{id}/lineage", Get(Route::Lineage(id))),
        ["verify"] => ("/api/verify", Post(Route::Verify)),
        ["me"] => ("/api/me", Delete(Route::Me)),
        ["quota"] => ("/api/quota", Get(Route::Quota)),
        ["usage"] => ("/api/usage", Get(Route::Usage)),
        ["webhooks", "secret"] => ("/api/webhooks/secret", Get(Route::WebhookSecret)),
        ["auth", "session"] => ("/api/auth/session", Post(Route::Session)),
        ["health"] => ("/api/health", Get(Route::Health)),
        ["health", "ready"] => ("/api/health/ready", Get(Route::Ready)),
        _ => return None,
    })
}

impl<'a> Routes<'a> {
    fn of(self, method: Method) -> Option<Route<'a>> {
        match (self, method) {
            (Get(route) | GetAndDelete(route, _), Method::Get | Method::Head)
            | (Post(route), Method::Post)
            | (Delete(route) | GetAndDelete(_, route), Method::Delete) => Some(route),
            _ => None,
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Get(_) => "GET, HEAD",
            Post(_) => "POST",
            Delete(_) => "DELETE",
            GetAndDelete(..) => "GET, HEAD, DELETE",
        }
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
            (Get, "/api/concepts/1/lineage", Route::Lineage("1")),
            (Delete, "/api/concepts/1", Route::DeleteConcept("1")),
            (Post, "/api/verify", Route::Verify),
            (Post, "/api/images", Route::Upload),
            (Get, "/api/images/a/b.png", Route::Image),
            (Head, "/api/images/a", Route::Image),
            (Delete, "/api/images/a/b", Route::DeleteImage),
            (Delete, "/api/me", Route::Me),
            (Post, "/api/auth/session", Route::Session),
            (Get, "/api/health", Route::Health),
            (Get, "/api/health/ready", Route::Ready),
            (Get, "/page/service.json", Route::PageService),
            (Post, "/v1/images/edits", Route::Edits),
            (Head, "/v1/models", Route::Models),
            (Post, "/mcp", Route::Mcp),
            (
                Get,
                "/.well-known/oauth-protected-resource",
                Route::ProtectedResource,
            ),
            (
                Get,
                "/.well-known/oauth-protected-resource/mcp",
                Route::ProtectedResource,
            ),
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
            (Get, "/api/concepts/1/lineage/", None),
            (Post, "/api/concepts/1/lineage", Some("GET, HEAD")),
            (Get, "/api/verify", Some("POST")),
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
            (Get, "/mcp", Some("POST")),
            (Delete, "/mcp", Some("POST")),
            (Post, "/mcp/", None),
            (Get, "/.well-known/oauth-protected-resource/", None),
            (Get, "/v1/images/edits", Some("POST")),
            (Post, "/v1/models", Some("GET, HEAD")),
            (Get, "/v1/models/local", None),
            (Post, "/v1/images/edits/", None),
            (Get, "/v1", None),
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
