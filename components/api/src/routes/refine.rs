//! `POST /api/concepts/refine`: validates a request (its requester, its form, its fields,
//! and last its user's state in the store) and creates its task. A client that prefers to
//! wait gets its answer when the task ends.

mod waiting;

use concept_refinement_domain::capability::{
    Accepted, CapabilityError, ErrorKind, Fenced, NewTask, Submission,
};
use concept_refinement_domain::concept::{Concept, id_for};
use concept_refinement_domain::message;
use concept_refinement_domain::original::MAX_URL_CHARS;
use concept_refinement_domain::quota::QuotaState;
use concept_refinement_domain::refined;
use concept_refinement_domain::rulebook::BACKLOG_RETRY_AFTER;
use concept_refinement_domain::sentence;
use concept_refinement_domain::signature;
use concept_refinement_domain::task::{Parent, Refinement};
use concept_refinement_domain::task_response::TaskResponse;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation::{self, Draft, FieldErrors, Source, is_idempotency_key};
use concept_refinement_domain::webhook::Webhook;

use super::answer::{Answer, json};
use crate::auth::Caller;
use crate::log;
use crate::origin::Origin;
use crate::ports::{ConceptStore, Ports};
use crate::problem::{Problem, with_quota};
use crate::request::{Body, Headers, Request};
use crate::response::Response;
use crate::state::State;
use waiting::Wait;

const KEY_FIELD: &str = "Idempotency-Key";
const NOT_QUEUED: &str = "The refinement task could not be queued for processing.";

/// A validated submission: its caller and how to answer.
struct Submitted {
    caller: Caller,
    valid: ValidRequest,
    origin: Origin,
    /// How long the client waits, and since when. None: it does not.
    wait: Option<Wait>,
}

/// A valid request, before it is checked whether its original exists.
struct ValidRequest {
    refinement: Refinement,
    webhook: Option<Webhook>,
    /// The path, if the original is an image of this service.
    original_path: Option<String>,
    /// The same for the mask.
    mask_path: Option<String>,
    idempotency_key: Option<String>,
}

pub async fn submit<P: Ports, B: Body>(state: &State<P>, request: Request, body: B) -> Answer<P> {
    let now = state.ports.now();
    let Submitted {
        caller,
        valid,
        origin,
        wait,
    } = received(state, request, body, now).await?;
    let found = Found::of(state, &valid, &caller, &origin).await?;
    let missing = found.missing(&valid);
    let task = new_task(state, valid, caller, found);
    let (accepted, is_repeat) = match state.ports.submit(task).await? {
        Submission::KeyReused => return Err(invalid_key("was used with another request before")),
        Submission::Replayed(accepted) => (accepted, true),
        Submission::ImageMissing => {
            return Err(Problem::NotFound(
                missing.unwrap_or("There is no such image."),
            ));
        }
        Submission::Active(accepted) => {
            state.republisher.republish_if_overdue(&accepted.task, now);
            return answered(409, &accepted, sentence::TASK_ACTIVE);
        }
        Submission::QuotaExceeded(quota) => {
            if origin.is_loopback() {
                explain_quota(state, quota);
            }
            return Err(quota_exceeded(state, quota, now));
        }
        Submission::BacklogFull(seconds) => {
            return Err(Problem::unavailable(
                "Too many tasks are waiting. Try again later.",
                seconds,
            ));
        }
        Submission::Created(accepted) => {
            publish(state, &accepted).await?;
            (accepted, false)
        }
    };
    let ended = match wait {
        // Boxed, so that a request that does not wait needs less memory.
        Some(wait) => Box::pin(wait.for_end(state, &accepted, &origin)).await,
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

/// Reads the request completely, so that nothing of it is kept while its client waits.
async fn received<P: Ports, B: Body>(
    state: &State<P>,
    request: Request,
    mut body: B,
    now: Timestamp,
) -> Result<Submitted, Problem> {
    let caller = state.auth.writer(&request).await?;
    let body = crate::body::json(&request.headers, &mut body).await?;
    let valid = validate(state, &body, &request.headers, &request.origin).await?;
    let wait = Wait::preferred(&request.headers, now);
    let origin = request.origin;
    Ok(Submitted {
        caller,
        valid,
        origin,
        wait,
    })
}

/// Reports all problems of the request at once. An unavailable image store matters only
/// if there are none.
async fn validate<P: Ports>(
    state: &State<P>,
    body: &[u8],
    headers: &Headers,
    origin: &Origin,
) -> Result<ValidRequest, Problem> {
    let draft =
        Draft::parse(body).map_err(|malformed| Problem::Invalid(malformed.to_string().into()))?;
    let original = own_image(state, draft.original_image_url(), origin).await;
    let mask = own_image(state, draft.mask_url(), origin).await;
    let checked = draft.check(
        source(state, &original),
        source(state, &mask),
        &state.config.allowed_webhooks,
    );
    match (checked, idempotency_key(headers)) {
        (Ok(request), Ok(idempotency_key)) => Ok(ValidRequest {
            refinement: request.refinement,
            webhook: request.webhook_url.map(|url| Webhook {
                url,
                origin: origin.as_str().to_owned(),
            }),
            original_path: original?,
            mask_path: mask?,
            idempotency_key,
        }),
        (checked, key) => {
            let mut errors = checked.err().unwrap_or_default();
            if let Err(problem) = key {
                errors.add(KEY_FIELD, problem);
            }
            Err(Problem::InvalidFields(errors))
        }
    }
}

/// The path of the image that a URL names, if it is one of this service.
async fn own_image<P: Ports>(
    state: &State<P>,
    url: Option<&str>,
    origin: &Origin,
) -> Result<Option<String>, CapabilityError> {
    match url {
        // A longer URL will be refused by validation anyway.
        Some(url) if url.chars().nth(MAX_URL_CHARS).is_none() => {
            let resolved = state.ports.resolve(url, origin.as_str()).await?;
            Ok(resolved.map(|image| image.path))
        }
        Some(_) | None => Ok(None),
    }
}

/// By which rules a URL is checked: if it may be an image of this service, those for
/// external URLs do not apply.
fn source<'a, P>(
    state: &'a State<P>,
    own_image: &Result<Option<String>, CapabilityError>,
) -> Source<'a> {
    match own_image {
        Ok(Some(_)) | Err(_) => Source::Own,
        Ok(None) => Source::Elsewhere(&state.config.allowed_sources),
    }
}

fn idempotency_key(headers: &Headers) -> Result<Option<String>, &'static str> {
    let mut keys = headers.all(KEY_FIELD);
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => std::str::from_utf8(key)
            .ok()
            .filter(|key| is_idempotency_key(key))
            .map(|key| Some(key.to_owned()))
            .ok_or("must be 1 to 255 visible ASCII characters"),
        (Some(_), Some(_)) => Err("must be sent once"),
    }
}

fn invalid_key(problem: &str) -> Problem {
    let mut errors = FieldErrors::default();
    errors.add(KEY_FIELD, problem);
    Problem::InvalidFields(errors)
}

/// What there is of the images of this service that a request names.
struct Found {
    /// The path of the original, if it is an image of this service.
    original_path: Option<String>,
    parent: Option<Parent>,
    has_original: bool,
    has_mask: bool,
}

impl Found {
    async fn of<P: Ports>(
        state: &State<P>,
        valid: &ValidRequest,
        caller: &Caller,
        origin: &Origin,
    ) -> Result<Self, CapabilityError> {
        let user = &caller.user;
        let concept = match (&valid.refinement.original_concept_id, &valid.original_path) {
            (Some(id), _) => match validation::uuid(id) {
                Some(id) => ConceptStore::get(&state.ports, user, &id).await?,
                None => None,
            },
            (None, Some(path)) => concept_of(state, user, path).await?,
            (None, None) => None,
        };
        let base = state.config.public_origin.as_ref().unwrap_or(origin);
        let parent = concept.as_ref().map(|concept| Parent {
            id: concept.id.clone(),
            image_url: signature::address(base.as_str(), &concept.content.image_path),
        });
        let of_concept = concept.map(|concept| concept.content.image_path);
        let original_path = of_concept.or_else(|| valid.original_path.clone());
        let is_named = original_path.is_some() || valid.refinement.original_image_url.is_some();
        Ok(Self {
            has_original: is_named && is_found(state, original_path.as_deref(), caller).await?,
            has_mask: is_found(state, valid.mask_path.as_deref(), caller).await?,
            original_path,
            parent,
        })
    }

    /// A sentence for the user. None: all of them are there.
    fn missing(&self, valid: &ValidRequest) -> Option<&'static str> {
        let by_concept = valid.refinement.original_concept_id.is_some();
        match (self.has_original, self.has_mask, by_concept) {
            (false, _, true) => Some("There is no such concept."),
            (false, _, false) => Some("There is no such original image."),
            (true, false, _) => Some("There is no such mask."),
            (true, true, _) => None,
        }
    }
}

/// The user's concept with this image.
async fn concept_of<P: Ports>(
    state: &State<P>,
    user: &str,
    image_path: &str,
) -> Result<Option<Concept>, CapabilityError> {
    let Some((task_id, _)) = refined::task_and_attempt(image_path) else {
        return Ok(None);
    };
    let concept = ConceptStore::get(&state.ports, user, &id_for(task_id)).await?;
    Ok(concept.filter(|concept| concept.content.image_path == image_path))
}

/// An image of this service may be refined only by its owner: a signature allows only
/// reading.
async fn is_found<P: Ports>(
    state: &State<P>,
    path: Option<&str>,
    caller: &Caller,
) -> Result<bool, CapabilityError> {
    let Some(path) = path else { return Ok(true) };
    let info = state.ports.stat(path).await?;
    Ok(info.is_some_and(|info| info.owner == caller.user))
}

fn new_task<P: Ports>(
    state: &State<P>,
    valid: ValidRequest,
    caller: Caller,
    found: Found,
) -> NewTask {
    NewTask {
        id: state.ports.task_id(),
        user_id: caller.user,
        is_anonymous: caller.is_anonymous,
        images_found: found.has_original && found.has_mask,
        refinement: valid.refinement,
        webhook: valid.webhook,
        original_path: found.original_path,
        mask_path: valid.mask_path,
        parent: found.parent,
        idempotency_key: valid.idempotency_key,
        replayed_within: None,
        quota: state.config.quota,
        active_tasks: state.config.active_tasks,
        trace: None,
    }
}

/// Withdraws a task that cannot be published, unless a worker has already
/// claimed it.
async fn publish<P: Ports>(state: &State<P>, accepted: &Accepted) -> Result<(), Problem> {
    let Err(error) = state
        .ports
        .publish(message::message_for(&accepted.task))
        .await
    else {
        return Ok(());
    };
    match state.ports.withdraw(&accepted.task.id, NOT_QUEUED).await? {
        Fenced::Done if error.kind == ErrorKind::Full => Err(Problem::Unavailable {
            detail: error.message.into(),
            retry_after: Some(BACKLOG_RETRY_AFTER),
        }),
        Fenced::Done => Err(error.into()),
        Fenced::Lost => Ok(()),
    }
}

fn answered<C>(status: u16, accepted: &Accepted, message: &str) -> Result<Response<C>, Problem> {
    let task = TaskResponse::new(&accepted.task, message, None);
    Ok(with_quota(json(status, &task)?, accepted.quota))
}

/// A user on the service's own machine can raise the limit, so the log names the setting:
/// once per window, because a client decides how often it sends requests.
fn explain_quota<P>(state: &State<P>, quota: QuotaState) {
    let end = Some(quota.reset);
    if state.quota_explained.replace(end) != end {
        log::warn(format_args!(
            "a user's quota is used up: rate-limit (REFINEMENT_RATE_LIMIT) allows more, for \
             example 100/day"
        ));
    }
}

fn quota_exceeded<P>(state: &State<P>, quota: QuotaState, now: Timestamp) -> Problem {
    Problem::QuotaExceeded {
        detail: state.config.quota.map_or_else(
            || "Rate limit exceeded. Try again later.".to_owned(),
            sentence::rate_limited,
        ),
        quota,
        retry_after: quota.reset.as_secs().saturating_sub(now.as_secs()).max(1),
    }
}
