//! The API of one instance: its configuration, its ports and the little that it
//! remembers between requests.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::republish::Republished;
use crate::request::{Body, Method, Request};
use crate::response::{Content, Response};
use crate::{auth, cors, protection, router, routes};

/// By which the platform learns the route's template, where it asks for it.
const ROUTE: &str = "concept-refinement-route";

pub struct Api<P> {
    pub(crate) config: Config,
    pub(crate) ports: P,
    /// How many bytes the uploads may take that are being collected in memory.
    pub(crate) collecting: Cell<u64>,
    /// What the model says of itself, once it was asked.
    pub(crate) model: OnceCell<String>,
    pub(crate) republished: Rc<Republished>,
}

impl<P: Ports + 'static> Api<P> {
    pub fn new(config: Config, ports: P) -> Self {
        Self {
            config,
            ports,
            collecting: Cell::new(0),
            model: OnceCell::new(),
            republished: Rc::default(),
        }
    }

    pub async fn handle<B: Body>(&self, mut request: Request<B>) -> Response<P::Contents> {
        // Not every platform tells where a request came to.
        if !request.origin.is_known()
            && let Some(public) = &self.config.public_origin
        {
            request.origin = public.clone();
        }
        let is_head = request.method == Method::Head;
        let route = match self.config.names_routes {
            true => router::template(request.method, &request.path),
            false => None,
        };
        let asker = self.config.cors.asker(&request.headers);
        let is_behind_https = auth::is_behind_https(&self.config, &request.origin);
        let answer = if asker.is_preflight(request.method, &request.headers) {
            cors::preflight(&request.path)
        } else {
            routes::answer(self, request).await
        };
        let mut response = answer.unwrap_or_else(Problem::into_response);
        protection::protect(&mut response, is_behind_https);
        asker.allow(&mut response);
        if is_head {
            response.content = Content::None;
        }
        match route {
            Some(route) => response.with(ROUTE, route),
            None => response,
        }
    }

    /// Publishes a task again that was read while overdue.
    pub(crate) fn was_read(&self, task: &Task, now: Timestamp) {
        self.republished.was_read(&self.ports, task, now);
    }
}
