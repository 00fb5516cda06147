//! Submits a valid request: looks for the images of this service that it names, creates its
//! task in one step, and publishes that. The doors of the API read and answer; what a request
//! leads to is decided here alone.

use std::cell::Cell;

use concept_refinement_domain::capability::{
    Accepted, CapabilityError, ErrorKind, Fenced, NewTask, Overspent, Submission,
};
use concept_refinement_domain::concept::{Concept, id_for};
use concept_refinement_domain::message;
use concept_refinement_domain::original::MAX_URL_CHARS;
use concept_refinement_domain::quota::QuotaState;
use concept_refinement_domain::refined;
use concept_refinement_domain::rulebook::BACKLOG_RETRY_AFTER;
use concept_refinement_domain::sentence;
use concept_refinement_domain::signature;
use concept_refinement_domain::task::Parent;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::validation::{
    self, Draft, FieldErrors, Request, Source, is_idempotency_key,
};
use concept_refinement_domain::webhook::Webhook;

use crate::allowance;
use crate::auth::Caller;
use crate::log;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::{Exceeded, Problem};
use crate::request::Headers;
use crate::state::State;

/// The header of a client's own key.
pub const KEY_FIELD: &str = "Idempotency-Key";

/// What a user on the service's own machine is told where the quota is used up, and the budget.
const QUOTA_SETTING: &str = "a user's quota is used up: rate-limit (REFINEMENT_RATE_LIMIT) \
                             allows more, for example 100/day";
const BUDGET_SETTING: &str = "a user's budget is used up: budget (REFINEMENT_BUDGET), or that of \
                              the user's plan, allows more, for example 20 USD/month";

const NOT_QUEUED: &str = "The refinement task could not be queued for processing.";

/// What a request led to.
pub enum Submitted {
    Created(Accepted),
    /// It repeats an earlier one, whose task this is.
    Replayed(Accepted),
    /// The user has this task, which has not ended, and may have no other one.
    Active(Accepted),
}

/// The task that a user requests, as far as the request says: see [`submit`]. Reports all
/// problems of a request at once, those of its `key` too. An unavailable image store matters only
/// if there are none.
///
/// # Errors
///
/// The request cannot be used, or the image store cannot.
pub async fn validate<P: Ports>(
    state: &State<P>,
    draft: Draft,
    key: Result<Option<String>, &'static str>,
    user: &str,
    origin: &Origin,
) -> Result<NewTask, Problem> {
    let original = own_image(state, draft.original_image_url(), origin).await;
    let mask = own_image(state, draft.mask_url(), origin).await;
    match (check(state, draft, &original, &mask), key) {
        (Ok(request), Ok(idempotency_key)) => Ok(NewTask {
            webhook: request.webhook_url.map(|url| Webhook {
                url,
                origin: origin.as_str().to_owned(),
            }),
            original_path: original?,
            mask_path: mask?,
            idempotency_key,
            ..NewTask::new(state.ports.task_id(), user, request.refinement)
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

/// Submits the task of a valid request, of which everything that the service knows and the
/// request does not say is filled in here. `uploads`: the paths of images that came with it, so
/// that they are there.
///
/// # Errors
///
/// Nothing was created, or it was withdrawn.
pub async fn submit<P: Ports>(
    state: &State<P>,
    mut task: NewTask,
    uploads: &[String],
    caller: &Caller,
    origin: &Origin,
    now: Timestamp,
) -> Result<Submitted, Problem> {
    let missing = find_images(state, &mut task, uploads, origin).await?;
    let allowance = allowance::of(state, caller);
    let task = NewTask {
        is_anonymous: caller.is_anonymous,
        images_found: missing.is_none(),
        quota: allowance.quota,
        active_tasks: allowance.active_tasks,
        budget: allowance.budget,
        reservation: state.config.reservation.clone(),
        ..task
    };
    match state.ports.submit(task).await? {
        Submission::KeyReused => Err(Problem::of_field(
            KEY_FIELD,
            "was used with another request before",
        )),
        Submission::Replayed(accepted) => Ok(Submitted::Replayed(accepted)),
        Submission::ImageMissing => Err(Problem::NotFound(
            missing.unwrap_or("There is no such image."),
        )),
        Submission::Active(accepted) => {
            state.republisher.republish_if_overdue(&accepted.task, now);
            Ok(Submitted::Active(accepted))
        }
        Submission::QuotaExceeded(quota) => {
            let reset = quota.reset;
            explain(&state.quota_explained, origin, reset, QUOTA_SETTING);
            let detail = allowance.quota.map(sentence::rate_limited);
            let exceeded = exceeded(detail, Some(quota), reset, now);
            Err(Problem::QuotaExceeded(exceeded))
        }
        Submission::BudgetExceeded(Overspent { reset, quota }) => {
            explain(&state.budget_explained, origin, reset, BUDGET_SETTING);
            let budget = allowance.budget;
            let detail = budget.map(|budget| sentence::over_budget(budget, reset));
            Err(Problem::BudgetExceeded(exceeded(detail, quota, reset, now)))
        }
        Submission::BacklogFull(seconds) => Err(Problem::unavailable(
            "Too many tasks are waiting. Try again later.",
            seconds,
        )),
        Submission::Created(accepted) => {
            publish(state, &accepted).await?;
            Ok(Submitted::Created(accepted))
        }
    }
}

/// A client's own key. None: it sends none.
///
/// # Errors
///
/// It cannot be one. What is said completes "the key …".
pub fn idempotency_key(headers: &Headers) -> Result<Option<String>, &'static str> {
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

/// The path of the image that a URL names, if it is one of this service.
pub async fn own_image<P: Ports>(
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

/// Checks a request. `original`, `mask`: the paths, if they are images of this service.
pub fn check<P>(
    state: &State<P>,
    draft: Draft,
    original: &Result<Option<String>, CapabilityError>,
    mask: &Result<Option<String>, CapabilityError>,
) -> Result<Request, FieldErrors> {
    let (original, mask) = (source(state, original), source(state, mask));
    let config = &state.config;
    draft.check(
        original,
        mask,
        &config.allowed_webhooks,
        config.task_timeout,
    )
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

/// Looks for the images of this service that a task names, and fills in its parent and the path
/// of its original where that is the image of a concept. What is missing, as a sentence for the
/// user; None: all of them are there.
async fn find_images<P: Ports>(
    state: &State<P>,
    task: &mut NewTask,
    uploads: &[String],
    origin: &Origin,
) -> Result<Option<&'static str>, CapabilityError> {
    let user = task.user_id.as_str();
    // An image of this service may be refined only by its owner: a signature allows only
    // reading.
    let is_found = async |path: Option<&str>| {
        let Some(path) = path else { return Ok(true) };
        if uploads.iter().any(|upload| upload == path) {
            return Ok(true);
        }
        let info = state.ports.stat(path).await?;
        Ok::<_, CapabilityError>(info.is_some_and(|info| info.owner == user))
    };
    let by_concept = task.refinement.original_concept_id.as_deref();
    let concept = match (by_concept, &task.original_path) {
        (Some(id), _) => match validation::uuid(id) {
            Some(id) => state.ports.concept(user, &id).await?,
            None => None,
        },
        (None, Some(path)) => concept_of(state, user, path).await?,
        (None, None) => None,
    };
    if let Some(concept) = concept {
        let base = state.config.public_origin.as_ref().unwrap_or(origin);
        let image_path = concept.content.image_path;
        task.parent = Some(Parent {
            id: concept.id,
            image_url: signature::address(base.as_str(), &image_path),
        });
        task.original_path = Some(image_path);
    }
    let original = task.original_path.as_deref();
    let is_named = original.is_some() || task.refinement.original_image_url.is_some();
    let has_original = is_named && is_found(original).await?;
    let has_mask = is_found(task.mask_path.as_deref()).await?;
    Ok(match (has_original, has_mask, by_concept) {
        (false, _, Some(_)) if task.parent.is_some() => {
            Some("The image of this concept is missing.")
        }
        (false, _, Some(_)) => Some("There is no such concept."),
        (false, _, None) => Some("There is no such original image."),
        (true, false, _) => Some("There is no such mask."),
        (true, true, _) => None,
    })
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
    let concept = state.ports.concept(user, &id_for(task_id)).await?;
    Ok(concept.filter(|concept| concept.content.image_path == image_path))
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

/// A user on the service's own machine can raise the limit, so the log names the setting:
/// once per window, because a client decides how often it sends requests.
fn explain(
    explained: &Cell<Option<Timestamp>>,
    origin: &Origin,
    window_end: Timestamp,
    sentence: &str,
) {
    let end = Some(window_end);
    if origin.is_loopback() && explained.replace(end) != end {
        log::warn(format_args!("{sentence}"));
    }
}

/// `detail`: None only if the store has judged by another allowance than this task's.
fn exceeded(
    detail: Option<String>,
    quota: Option<QuotaState>,
    reset: Timestamp,
    now: Timestamp,
) -> Exceeded {
    let seconds = reset.as_secs().saturating_sub(now.as_secs());
    Exceeded {
        detail: detail.unwrap_or_else(|| "Try again later.".to_owned()),
        quota,
        retry_after: seconds.max(1),
    }
}
