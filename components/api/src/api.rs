//! The API of one instance: its configuration, its ports and the little that it
//! remembers between requests.

use std::cell::{Cell, OnceCell};

use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::republish::Republished;
use crate::request::{Body, Method, Request};
use crate::response::{Content, Response};
use crate::{log, routes};

pub struct Api<P> {
    pub(crate) config: Config,
    pub(crate) ports: P,
    /// How many bytes the uploads may take that are being collected in memory.
    pub(crate) collecting: Cell<u64>,
    /// What the model says of itself, once it was asked.
    pub(crate) model: OnceCell<String>,
    republished: Republished,
}

impl<P: Ports + 'static> Api<P> {
    pub fn new(config: Config, ports: P) -> Self {
        Self {
            config,
            ports,
            collecting: Cell::new(0),
            model: OnceCell::new(),
            republished: Republished::default(),
        }
    }

    pub async fn handle<B: Body>(&self, request: Request<B>) -> Response<P::Contents> {
        let is_head = request.method == Method::Head;
        let mut response = routes::answer(self, request)
            .await
            .unwrap_or_else(Problem::into_response);
        if is_head {
            response.content = Content::None;
        }
        response
    }

    /// Publishes a task again that was read while overdue, without making its
    /// reader wait. If it fails, the next reader tries again.
    pub(crate) fn was_read(&self, task: &Task, now: Timestamp) {
        if let Some(message) = self.republished.message(task, now) {
            let ports = self.ports.clone();
            self.ports.spawn(async move {
                if let Err(error) = ports.publish(message).await {
                    log::warn(format_args!(
                        "an overdue task could not be published again: {error}"
                    ));
                }
            });
        }
    }
}
