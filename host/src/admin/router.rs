//! Routes each request to its handler.

use bytes::Bytes;
use concept_refinement_capability::log_throttled;
use concept_refinement_domain::sentence::sanitize;
use concept_refinement_domain::validation;
use concept_refinement_runtime::ingress::http::request_id;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use tracing::Instrument as _;

use super::access::{Caller, Context};
use super::answer::{Answer, Problem, protected, with};
use super::{AdminServer, audit, input, jobs, page, queue, tasks, usage};
use crate::metrics::Format;

/// All paths below the version, with their methods.
pub(super) const ROUTES: [(&str, &str); 12] = [
    ("tasks", "GET, HEAD"),
    ("tasks/actions", "POST"),
    ("tasks/{id}", "GET, HEAD, DELETE"),
    ("tasks/{id}/retry", "POST"),
    ("tasks/{id}/cancel", "POST"),
    ("jobs/{id}", "GET, HEAD"),
    ("queue", "GET, HEAD"),
    ("queue/pause", "POST"),
    ("queue/resume", "POST"),
    ("audit", "GET, HEAD"),
    ("usage", "GET, HEAD"),
    ("metrics", "GET, HEAD"),
];

const VERSION: &str = "/admin/v1/";

/// Longest path or method in the log, in code points.
const MAX_LOGGED: usize = 100;

/// `peer`: the user who connected to the socket. None: a token identifies the
/// requester.
pub(super) async fn answer(
    server: &AdminServer,
    peer: Option<&Caller>,
    request: Request<Incoming>,
) -> Answer {
    let (parts, body) = request.into_parts();
    let id = request_id::of(&parts.headers);
    let span = tracing::info_span!("request", request_id = id.to_str().unwrap_or_default());
    let caller = match peer {
        Some(peer) => Ok(peer.named_by(&parts.headers)),
        None => Caller::of_token(server, &parts.headers),
    };
    let answered = async {
        let answered = route(server, peer.is_some(), caller.as_ref(), &parts, body).await;
        let answer = answered.unwrap_or_else(|problem| problem.answer());
        let (method, status) = (&parts.method, answer.status());
        let shown = |text: &str| sanitize(text, MAX_LOGGED);
        match &caller {
            // Changes are logged by their own handlers.
            Ok(_) if is_read(method) || status.is_success() => {}
            Ok(caller) => tracing::info!(
                method = %shown(method.as_str()),
                path = shown(parts.uri.path()),
                status = status.as_u16(),
                actor = caller.actor,
                "an operator's request was refused"
            ),
            Err(_) if status.is_success() => {}
            // Anyone may cause any number of these.
            Err(_) => log_throttled!(
                info,
                "a request without an operator's token was refused",
                method = %shown(method.as_str()),
                path = shown(parts.uri.path()),
                status = status.as_u16()
            ),
        }
        answer
    };
    let mut answer = protected(answered.instrument(span).await);
    request_id::tell(id, &mut answer);
    answer
}

/// An answer to HEAD is sent without its body.
fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

async fn route(
    server: &AdminServer,
    is_peer: bool,
    caller: Result<&Caller, &Problem>,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Problem> {
    let path = parts.uri.path();
    if !is_peer && !is_answered_to(server, parts) {
        return Err(Problem::Misdirected);
    }
    if let Some(file) = page::file(path) {
        return match is_read(&parts.method) {
            true => Ok(file),
            false => Err(Problem::Method("GET, HEAD")),
        };
    }
    let rest = path.strip_prefix(VERSION).ok_or(Problem::NotFound)?;
    let segments: Vec<_> = rest.split('/').collect();
    let allowed = methods(&segments).ok_or(Problem::NotFound)?;
    let mut methods = allowed.split(", ");
    if !methods.any(|method| method == parts.method.as_str()) {
        return Err(Problem::Method(allowed));
    }
    let caller = caller.map_err(Problem::clone)?;
    let context = Context { server, caller };
    let (headers, query) = (&parts.headers, parts.uri.query());
    if parts.method == Method::POST {
        // This is checked before the body is read.
        caller.acts()?;
    }
    let body = input::body(headers, body);
    match (&segments[..], parts.method == Method::DELETE) {
        (["tasks"], _) => tasks::list(context, query).await,
        (["tasks", "actions"], _) => jobs::start(context, body.await?).await,
        (["tasks", id], false) => tasks::get(context, &uuid(id)?).await,
        (["tasks", id], true) => tasks::delete(context, &uuid(id)?, query).await,
        (["tasks", id, "retry"], _) => tasks::retry(context, &uuid(id)?, body.await?).await,
        (["tasks", id, "cancel"], _) => tasks::cancel(context, &uuid(id)?, body.await?).await,
        (["jobs", id], _) => jobs::get(server, &uuid(id)?).await,
        (["queue"], _) => queue::get(server).await,
        (["queue", "pause"], _) => queue::set_paused(context, body.await?, true).await,
        (["queue", "resume"], _) => queue::set_paused(context, body.await?, false).await,
        (["audit"], _) => audit::list(server, query).await,
        (["usage"], _) => usage::get(server, headers, query).await,
        (["metrics"], _) => metrics(server, headers).await,
        _ => Err(Problem::NotFound),
    }
}

/// The methods of a path.
fn methods(segments: &[&str]) -> Option<&'static str> {
    let mut routes = ROUTES.into_iter();
    let found = routes.find(|(route, _)| {
        let names: Vec<_> = route.split('/').collect();
        let fits = |(name, segment): (&&str, &&str)| name == segment || *name == "{id}";
        names.len() == segments.len() && names.iter().zip(segments).all(fits)
    });
    found.map(|(_, methods)| methods)
}

/// The id in a path, as stores have it.
fn uuid(segment: &str) -> Result<String, Problem> {
    validation::uuid(segment).ok_or(Problem::NotFound)
}

/// The name by which the service was called, if only this machine can call it.
fn is_answered_to(server: &AdminServer, parts: &Parts) -> bool {
    let Some(names) = &server.names else {
        return true;
    };
    let host = parts.headers.get(header::HOST);
    let host = host.map(|host| Authority::try_from(host.as_bytes()));
    match (host, parts.uri.authority()) {
        (_, Some(authority)) => names.include(authority),
        (Some(Ok(authority)), None) => names.include(&authority),
        (Some(Err(_)), None) => false,
        (None, None) => true,
    }
}

async fn metrics(server: &AdminServer, headers: &HeaderMap) -> Result<Answer, Problem> {
    let text = server.scrape.text().await.map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        Problem::Unavailable("The metrics cannot be written at the moment.".to_owned())
    })?;
    let format = Format::accepted(headers);
    let text = Bytes::from(format.written(text));
    Ok(with(StatusCode::OK, format.media_type(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_methods() {
        for (path, expected) in [
            ("tasks", Some("GET, HEAD")),
            ("tasks/actions", Some("POST")),
            ("tasks/7", Some("GET, HEAD, DELETE")),
            ("tasks/7/retry", Some("POST")),
            ("tasks/7/again", None),
            ("tasks/", Some("GET, HEAD, DELETE")),
            ("", None),
            ("queue/7", None),
        ] {
            let segments: Vec<_> = path.split('/').collect();
            assert_eq!(methods(&segments), expected, "{path}");
        }
    }

    #[test]
    fn the_description_has_all_routes_and_no_others() {
        let description: serde_json::Value =
            serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut described = Vec::new();
        for (path, operations) in description["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                described.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        let routes = ROUTES.iter().flat_map(|(path, methods)| {
            // HEAD needs no description.
            let methods = methods.split(", ").filter(|method| *method != "HEAD");
            methods.map(move |method| format!("{method} {VERSION}{path}"))
        });
        let mut routes: Vec<_> = routes.collect();
        routes.sort();
        described.sort();
        assert_eq!(described, routes);
    }
}
