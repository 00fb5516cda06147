//! `POST /mcp`: Model Context Protocol, by which agents refine images.
//!
//! Each message stands for itself, and is authorised as every request is. What a tool cannot
//! do is a result that says so, since the model that called it can do something about it;
//! what is wrong with a message is an error of the protocol.

mod headers;
mod outcome;
mod received;
mod schema;
mod tasks;
mod tools;

use concept_refinement_domain::timestamp::Timestamp;
pub use concept_refinement_mcp::PATH;
use concept_refinement_mcp::{
    Call, Code, Error, Id, Implementation, Malformed, Message, Method, Params, Response as Reply,
    Server, Terms,
};

use super::answer::{Answer, json};
use super::protected_resource;
use crate::auth::Caller;
use crate::body::check_declared;
use crate::origin::Origin;
use crate::pace::Paced;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{Body, Headers, Request, any};
use crate::response::Response;
use crate::state::State;
use received::Image;

const SERVER: Server = Server {
    info: Implementation {
        name: "concept-refinement",
        title: "Concept Refinement",
        version: env!("CARGO_PKG_VERSION"),
    },
    instructions: "Refines images by a prompt. refine_image takes an image by its public URL, by \
                   the image_url that upload_image answers, or by the id of an earlier result \
                   (concept_id), and may take a minute: where it answers before the end, ask \
                   get_refinement with the id that it told. A user may have few refinements at \
                   a time.",
    has_tasks: true,
};

/// A message of a caller, while it is answered.
struct Exchange<'a, P> {
    state: &'a State<P>,
    caller: Caller,
    /// What the request was sent to.
    origin: Origin,
    begin: Timestamp,
}

pub async fn answer<P: Ports, B: Body>(state: &State<P>, request: Request, body: B) -> Answer<P> {
    let begin = state.ports.now();
    if is_foreign(state, &request) {
        return Err(Problem::Forbidden(
            "Pages of this origin may not use this service.",
        ));
    }
    let caller = match state.auth.writer(&request).await {
        Ok(caller) => caller,
        Err(problem) => return Ok(protected_resource::challenge(state, &request, problem)),
    };
    check_declared(&request.headers)?;
    let declared = request.headers.content_length();
    let body = any(Paced::new(body, state.ports.clone()));
    let mut image = Image::None;
    let message = received::receive(state, &caller, body, declared, &mut image).await;
    let answered = match message {
        Ok(message) => {
            let exchange = Exchange {
                state,
                caller,
                origin: request.origin,
                begin,
            };
            // Boxed, so that a request that is being read needs less memory.
            Box::pin(exchange.reply(&request.headers, message, &mut image)).await
        }
        Err(problem) => Err(problem),
    };
    // One that no tool has taken.
    image.remove(state).await;
    answered
}

/// Whether a page of another origin sends it, which could use what its visitor can reach.
fn is_foreign<P: Ports>(state: &State<P>, request: &Request) -> bool {
    let mut origins = request.headers.all("origin");
    !origins.all(|origin| {
        state.auth.is_own_origin(origin, &request.origin) || state.config.cors.has(origin)
    })
}

/// Revisions with `initialize` tell errors by the message alone.
fn replied<C>(
    id: Id,
    outcome: Result<Params, Error>,
    is_stateless: bool,
) -> Result<Response<C>, Problem> {
    let status = match &outcome {
        Err(error) if is_stateless => match error.code {
            Code::MethodNotFound => 404,
            Code::InternalError => 500,
            _ => 400,
        },
        Ok(_) | Err(_) => 200,
    };
    json(status, &Reply::new(id, outcome))
}

impl<P: Ports> Exchange<'_, P> {
    /// A tool takes the image if that is what it asks for.
    async fn reply(
        &self,
        headers: &Headers,
        message: Result<Message, Malformed>,
        image: &mut Image,
    ) -> Answer<P> {
        let (id, method, params) = match message {
            Ok(Message::Request { id, method, params }) => (id, method, params),
            // Nothing that a client tells by itself changes anything here.
            Ok(Message::Notification { .. } | Message::Response) => {
                return Ok(Response::empty(202));
            }
            Err(malformed) => return json(400, &Reply::from(malformed)),
        };
        match headers::terms(headers, &method, &params) {
            Ok(terms) => {
                let outcome = self.outcome(terms, &method, params, image).await;
                replied(id, outcome, terms.revision.is_stateless())
            }
            Err(error) => replied(id, Err(error), true),
        }
    }

    async fn outcome(
        &self,
        terms: Terms,
        method: &str,
        params: Params,
        image: &mut Image,
    ) -> Result<Params, Error> {
        match Method::of(method, terms, SERVER.has_tasks)? {
            Method::Initialize => SERVER.initialize(&params),
            Method::Discover => SERVER.discover(terms),
            Method::Ping => SERVER.acknowledged(terms),
            Method::ListTools => SERVER.list(terms, tools::all(self.state)),
            Method::CallTool => self.call(terms, Call::of(params)?, image).await,
            Method::GetTask => self.get_task(terms, &params).await,
            Method::UpdateTask => self.update_task(terms, &params).await,
            Method::CancelTask => self.cancel_task(terms, &params).await,
        }
    }
}

/// What the caller is told about a problem that is not one of its message.
fn internal(problem: &Problem) -> Error {
    Error::new(Code::InternalError, problem.detail())
}
