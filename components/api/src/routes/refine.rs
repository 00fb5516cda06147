//! `POST /api/concepts/refine`: validates a request (its requester, its form, its fields,
//! and last its user's state in the store) and creates its task. A client that prefers to
//! wait gets its answer when the task ends.

mod waiting;

use concept_refinement_domain::capability::{Accepted, NewTask};
use concept_refinement_domain::sentence;
use concept_refinement_domain::task_response::TaskResponse;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation::Draft;

use super::answer::{Answer, json};
use super::submission::{self, Submitted};
use crate::allowance;
use crate::auth::Caller;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::{Problem, with_quota};
use crate::request::{Body, Request};
use crate::response::Response;
use crate::state::State;
use waiting::Wait;

pub async fn submit<P: Ports, B: Body>(state: &State<P>, request: Request, body: B) -> Answer<P> {
    let now = state.ports.now();
    let (caller, task, origin, wait) = received(state, request, body, now).await?;
    let wait = wait.map(|wait| (wait, allowance::of(state, &caller).quota));
    let submitted = submission::submit(state, task, &[], &caller, &origin, now).await?;
    let (accepted, is_repeat) = match submitted {
        Submitted::Created(accepted) => (accepted, false),
        Submitted::Replayed(accepted) => (accepted, true),
        Submitted::Active(accepted) => return answered(409, &accepted, sentence::TASK_ACTIVE),
    };
    let ended = match wait {
        // Boxed, so that a request that does not wait needs less memory.
        Some((wait, quota)) => Box::pin(wait.for_end(state, &accepted, quota, &origin)).await,
        None => None,
    };
    let response = match ended {
        Some(response) => response,
        None => answered(202, &accepted, sentence::TASK_CREATED)?,
    };
    // Caches must not give responses for waiting clients to others.
    let response = response.with("vary", "Prefer");
    Ok(match is_repeat {
        true => response.with("idempotency-replayed", "true"),
        false => response,
    })
}

/// Reads the request completely, so that nothing of it is kept while its client waits: for so
/// long, if it does.
async fn received<P: Ports, B: Body>(
    state: &State<P>,
    request: Request,
    mut body: B,
    now: Timestamp,
) -> Result<(Caller, NewTask, Origin, Option<Wait>), Problem> {
    let caller = state.auth.writer(&request).await?;
    let body = crate::body::json(&request.headers, &mut body).await?;
    let key = submission::idempotency_key(&request.headers);
    let (draft, user) = (Draft::parse(&body)?, &caller.user);
    let task = submission::validate(state, draft, key, user, &request.origin).await?;
    let wait = Wait::preferred(&request.headers, now);
    Ok((caller, task, request.origin, wait))
}

fn answered<C>(status: u16, accepted: &Accepted, message: &str) -> Result<Response<C>, Problem> {
    let task = TaskResponse::new(&accepted.task, message, None);
    Ok(with_quota(json(status, &task)?, accepted.quota))
}
