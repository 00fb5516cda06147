//! Turns a request into its response: the code shared by all routes.

use concept_refinement_domain::openai;

use crate::config::Config;
use crate::openai::fault::Fault;
use crate::ports::Ports;
use crate::problem::SHORT_OF;
use crate::request::{Body, Method, Request};
use crate::response::{Content, Response};
use crate::state::State;
use crate::{cors, protection, router, routes};

/// The response header with the route's template, for the host.
const ROUTE: &str = "concept-refinement-route";

/// The API of one instance.
pub struct Api<P> {
    pub(crate) state: State<P>,
}

impl<P: Ports> Api<P> {
    pub fn new(config: Config, ports: P) -> Self {
        Self {
            state: State::new(config, ports),
        }
    }

    pub async fn handle(&self, mut request: Request, body: impl Body) -> Response<P::Contents> {
        let config = &self.state.config;
        // Not every platform tells which origin a request was sent to.
        if !request.origin.has_authority()
            && let Some(public) = &config.public_origin
        {
            request.origin = public.clone();
        }
        let is_head = request.method == Method::Head;
        let template = || router::template(request.method, &request.path);
        let route = config.names_routes.then(template).flatten();
        let is_openai = openai::has(&request.path);
        let requester = config.cors.requester(&request.headers);
        let auth = &self.state.auth;
        let is_behind_https = auth.is_behind_https(&request.origin);
        let renewable = || auth.renewable_user(&request.headers, &request.origin);
        let renewable = config.anonymous_sessions.then(renewable).flatten();
        let origin = request.origin.clone();
        let answer = if requester.is_preflight(request.method, &request.headers) {
            cors::preflight(&request.path)
        } else {
            routes::answer(&self.state, request, body).await
        };
        let mut response = answer.unwrap_or_else(|problem| match is_openai {
            true => Fault::from(problem).into_response(),
            false => problem.into_response(),
        });
        if let Some(user) = renewable
            && !response.has("set-cookie")
        {
            response = routes::session::renew(&self.state, response, &origin, &user).await;
        }
        protection::protect(&mut response, is_behind_https);
        requester.allow(&mut response);
        if is_head {
            response.content = Content::None;
        }
        if !config.names_routes {
            response.headers.retain(|(name, _)| *name != SHORT_OF);
        }
        match route {
            Some(route) => response.with(ROUTE, route),
            None => response,
        }
    }
}
