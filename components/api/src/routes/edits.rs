//! `POST /v1/images/edits`: an ordinary task, asked for as OpenAI's images API has it, and
//! answered when it ends.
//!
//! The images that come with a request belong to its task and go with it. A client of that
//! API repeats by itself what failed, and has no key for it: a repeat joins the task that the
//! same request made.

use std::time::Duration;

use concept_refinement_domain::capability::{Accepted, NewTask};
use concept_refinement_domain::signature;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation::Draft;
use futures::StreamExt as _;
use futures::channel::oneshot;
use futures::stream::{self, LocalBoxStream};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::end::end;
use super::submission::{self, KEY_FIELD, Submitted, own_image};
use crate::auth::Caller;
use crate::event::{COMMENT, KEEP_ALIVE};
use crate::log;
use crate::openai::answer::Text;
use crate::openai::fault::Fault;
use crate::openai::fields::{self, Asked};
use crate::openai::form::{self, Form, Image, Reader};
use crate::openai::plain_name;
use crate::origin::Origin;
use crate::pace::Paced;
use crate::ports::Ports;
use crate::problem::{Problem, with_quota};
use crate::request::{AnyBody, Body, Headers, Request, any};
use crate::response::Response;
use crate::state::State;

/// How often a client has repeated its request by itself.
const RETRY_COUNT: &str = "x-stainless-retry-count";

/// How long such a repeat joins the task of its request, in seconds.
const JOINED_WITHIN: u32 = 600;

/// The same where a client sends a key of its own.
const KEY_JOINED_WITHIN: u32 = 24 * 60 * 60;

/// When to ask again for a task that takes longer than a client may wait, in seconds.
const STILL_RUNNING: u32 = 1;

/// A task that a request made or joined.
struct Taken {
    accepted: Accepted,
    asked: Asked,
    /// Tells its end. It is silent for good where the task goes on, as far as is known.
    end: oneshot::Receiver<End>,
}

/// The task in its final state, or why there is none.
type End = Result<Task, Fault>;

pub async fn edit<P: Ports, B: Body>(state: &State<P>, request: Request, body: B) -> Answer<P> {
    let origin = request.origin.clone();
    let now = state.ports.now();
    let body = any(Paced::new(body, state.ports.clone()));
    let answered = match taken(state, request, body, now).await {
        // Boxed, so that a request that is being read needs less memory.
        Ok(taken) => Box::pin(answered(state, taken, origin, now)).await,
        Err(fault) => Err(fault),
    };
    Ok(answered.unwrap_or_else(Fault::into_response))
}

/// Reads the request completely, so that nothing of it is kept while its client waits.
async fn taken<P: Ports>(
    state: &State<P>,
    request: Request,
    body: AnyBody<'_>,
    now: Timestamp,
) -> Result<Taken, Fault> {
    let caller = state.auth.writer(&request).await?;
    let task_id = state.ports.task_id();
    let mut reader = Reader {
        state,
        caller: &caller,
        task_id: &task_id,
        left: request.headers.content_length(),
        uploads: Vec::new(),
    };
    let form = reader.read(&request.headers, body).await;
    let mut uploads = reader.uploads;
    let form = match form {
        Ok(form) => form,
        Err(fault) => {
            form::remove(&state.ports, &uploads).await;
            return Err(fault);
        }
    };
    let submitted = submit(state, &request, caller, task_id, form, &uploads, now).await;
    let are_needed = match &submitted {
        Ok((Submitted::Created(_), _)) => true,
        // The task may have been created all the same. If not, they are collected later.
        Err(Fault::Problem {
            problem: Problem::Unavailable { retry_after, .. },
            ..
        }) => retry_after.is_none(),
        Ok(_) | Err(_) => false,
    };
    if !are_needed {
        form::remove(&state.ports, &uploads).await;
        uploads.clear();
    }
    match submitted? {
        (Submitted::Created(accepted) | Submitted::Replayed(accepted), asked) => {
            let end = watched(state, &accepted.task, uploads);
            Ok(Taken {
                accepted,
                asked,
                end,
            })
        }
        (Submitted::Active(accepted), _) => Err(Fault::Active(accepted.quota)),
    }
}

async fn submit<P: Ports>(
    state: &State<P>,
    request: &Request,
    caller: Caller,
    task_id: String,
    form: Form,
    uploads: &[String],
    now: Timestamp,
) -> Result<(Submitted, Asked), Fault> {
    let origin = &request.origin;
    let asked = Asked::read(form.fields)?;
    let (key, replayed_within) = repeats(&request.headers, &form.hash)?;
    let caller = match caller.for_users {
        true => Caller {
            user: fields::user_of(&caller.user, &asked)?.unwrap_or(caller.user),
            ..caller
        },
        false => caller,
    };
    let base = state.config.public_origin.as_ref().unwrap_or(origin);
    let address = |image: Option<&Image>| match image {
        None => Value::Null,
        Some(Image::Url(url)) => url.clone().into(),
        Some(Image::Upload(path)) => signature::address(base.as_str(), path).into(),
    };
    let draft = Map::from_iter([
        (
            "original_image_url".to_owned(),
            address(form.original.as_ref()),
        ),
        ("mask_url".to_owned(), address(form.mask.as_ref())),
        ("refinement_prompt".to_owned(), asked.prompt.clone()),
    ]);
    let path = async |image: Option<Image>| match image {
        None => Ok(None),
        Some(Image::Url(url)) => own_image(state, Some(&url), origin).await,
        Some(Image::Upload(path)) => Ok(Some(path)),
    };
    let original = path(form.original).await;
    let mask = path(form.mask).await;
    let checked = submission::check(state, Draft::of(draft), &original, &mask);
    let valid = checked.map_err(|errors| Fault::of_fields(&errors, form.image_param))?;
    let task = NewTask {
        original_path: original?,
        mask_path: mask?,
        idempotency_key: Some(key),
        replayed_within: Some(replayed_within),
        ..NewTask::new(task_id, &caller.user, valid.refinement)
    };
    let submitted = submission::submit(state, task, uploads, &caller, origin, now).await?;
    Ok((submitted, asked))
}

/// By which key repeats are recognised, and within how many seconds. Only a repeat joins a task,
/// and only one of the same user: who asks again for the same gets another image.
fn repeats(headers: &Headers, hash: &str) -> Result<(String, u32), Fault> {
    let own_key = submission::idempotency_key(headers)
        .map_err(|problem| Fault::field(KEY_FIELD, format!("{KEY_FIELD} {problem}.")))?;
    let is_repeat = headers
        .text(RETRY_COUNT)
        .is_some_and(|count| count.parse().is_ok_and(|count: u32| count > 0));
    let within = match own_key {
        Some(_) => KEY_JOINED_WITHIN,
        None if is_repeat => JOINED_WITHIN,
        None => 0,
    };
    let key = own_key.unwrap_or_default();
    Ok((format!("edit {hash} {key}"), within))
}

/// Follows the task to its end, and then removes its uploads, whether its client is still
/// there or not.
fn watched<P: Ports>(
    state: &State<P>,
    task: &Task,
    uploads: Vec<String>,
) -> oneshot::Receiver<End> {
    let (tell, told) = oneshot::channel();
    let (ports, republisher) = (state.ports.clone(), state.republisher.clone());
    let task = task.clone();
    state.ports.spawn(async move {
        let ended: End = match end(&ports, &republisher, &task).await {
            Some(ended) => Ok(ended),
            None => match ports.task(&task.user_id, &task.id).await {
                Ok(Some(task)) if task.status.is_final() => Ok(task),
                Ok(None) => Err(Problem::NotFound("The task was deleted.").into()),
                Ok(Some(_)) | Err(_) => return,
            },
        };
        form::remove(&ports, &uploads).await;
        // The client may have left.
        let _ = tell.send(ended);
    });
    told
}

async fn answered<P: Ports>(
    state: &State<P>,
    taken: Taken,
    origin: Origin,
    begin: Timestamp,
) -> Result<Response<P::Contents>, Fault> {
    let quota = taken.accepted.quota;
    let ignored = taken.asked.ignored.clone();
    let limit = state.config.task_timeout;
    let left = limit.saturating_sub(state.ports.now().since(begin));
    // A stream begins before anybody has answered.
    let mut answered_by = None;
    let response = match taken.asked.is_stream {
        true => Response::events(events(state.ports.clone(), taken, origin, left)),
        false => {
            let task = ended(&state.ports, taken.end, left).await?;
            answered_by.clone_from(&task.model);
            let text = Text::of(&state.ports, &task, &taken.asked, &origin).await?;
            Response::json_chunks(text.length, text.pieces)
        }
    };
    let model = match &answered_by {
        Some(link) => plain_name(link),
        None => state.config.model.clone(),
    };
    let response = with_quota(response, quota).with("x-model", model);
    Ok(match ignored.is_empty() {
        true => response,
        false => response.with("x-ignored-fields", ignored),
    })
}

/// The end of the task, if it comes in time.
async fn ended<P: Ports>(ports: &P, end: oneshot::Receiver<End>, left: Duration) -> End {
    match ports.timeout(left, end).await {
        Some(Ok(ended)) => ended,
        Some(Err(_)) | None => Err(still_running()),
    }
}

fn still_running() -> Fault {
    let detail = "The refinement has not ended yet. The same request, repeated, waits for it.";
    Problem::unavailable(detail, STILL_RUNNING).into()
}

/// Comments until the task ends, and then the last event.
fn events<P: Ports>(
    ports: P,
    taken: Taken,
    origin: Origin,
    left: Duration,
) -> LocalBoxStream<'static, Vec<u8>> {
    let Taken { asked, end, .. } = taken;
    let comment = || stream::once(async { COMMENT.as_bytes().to_vec() }).boxed_local();
    let deadline = ports.now().plus(left);
    let state = Some((ports, end, asked, origin));
    let parts = stream::unfold(state, move |state| async move {
        let (ports, mut end, asked, origin) = state?;
        let wait = KEEP_ALIVE.min(deadline.since(ports.now()));
        let ended = ports.timeout(wait, &mut end).await;
        if ended.is_none() && ports.now() < deadline {
            return Some((comment(), Some((ports, end, asked, origin))));
        }
        let event = match ended {
            Some(Ok(Ok(task))) => Text::of(&ports, &task, &asked, &origin).await,
            Some(Ok(Err(fault))) => Err(fault),
            Some(Err(_)) | None => Err(still_running()),
        };
        let last = event.map_or_else(|fault| failure(&fault), |event| event.pieces);
        Some((last, None))
    });
    // The first comment shows at once that the request was accepted.
    comment().chain(parts.flatten()).boxed_local()
}

/// The last event of a task without an image.
fn failure(fault: &Fault) -> LocalBoxStream<'static, Vec<u8>> {
    let error = serde_json::to_string(&fault.body()).unwrap_or_else(|error| {
        log::warn(format_args!("an error could not be told: {error}"));
        String::new()
    });
    stream::once(async move { format!("data: {error}\n\n").into_bytes() }).boxed_local()
}
