//! `POST /api/images`: uploads an original.

use concept_refinement_domain::capability::{
    ImageKind, ImageLength, ImageLimit, NewImage, Stored, StoredOrNot,
};
use concept_refinement_domain::session::IS_ANONYMOUS;
use concept_refinement_domain::{image, size};
use serde_json::json;

use super::answer::{Answer, json};
use crate::auth::Caller;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{AnyBody, Body, Headers, Request};
use crate::state::State;
use crate::upload::{TOO_MANY_BUFFERED, Upload};

/// What a client that sends a form has to do instead.
const FORM: &str = "The body must be the image itself, not a form with it: with curl \
                    --data-binary @logo.png -H 'Content-Type: image/png', in a browser the File.";

pub async fn upload<P: Ports, B: Body>(state: &State<P>, request: &Request, body: B) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let declared = request.headers.content_length();
    let stored = received(state, &caller, body, declared).await;
    let stored = stored.map_err(|problem| explained(problem, request))?;
    let image_url = state
        .ports
        .sign(&stored.path, request.origin.as_str())
        .await?;
    json(201, &json!({"image_url": image_url, "path": stored.path}))
}

/// A problem of a body that should have been an image.
pub fn explained(problem: Problem, request: &Request) -> Problem {
    match problem {
        Problem::UnsupportedMediaType(_) if is_form(&request.headers) => {
            Problem::UnsupportedMediaType(FORM.into())
        }
        problem => problem,
    }
}

/// Streams a body of declared length into the store. Any other is stored once it is complete;
/// meanwhile the store has reserved the most that it may have.
async fn received<P: Ports, B: Body>(
    state: &State<P>,
    owner: &Caller,
    body: B,
    declared: Option<u64>,
) -> Result<Stored, Problem> {
    let limits = state.config.image_limits;
    let max_bytes = limits.max_bytes;
    let (mut upload, length) = match declared {
        Some(length) if length > max_bytes => {
            return Err(image::Problem::TooLarge { max_bytes }.into());
        }
        Some(length) => (Upload::streamed(body, limits), ImageLength::Exactly(length)),
        None => {
            let memory = state.upload_memory.take(&owner.user);
            let memory = memory.ok_or(Problem::UploadMemoryShort(TOO_MANY_BUFFERED))?;
            let upload = Upload::buffered(body, limits, memory);
            (upload, at_most(state, None))
        }
    };
    let format = upload.format().await?;
    let image = new_image(state, owner, format, length);
    let stored = put(state, image, &mut upload).await?;
    upload.verdict()?;
    Ok(stored)
}

/// Stores an image that comes within something else, of undeclared length, as it comes, and
/// returns how many bytes it has too. `image`: what to store, by its format.
///
/// # Errors
///
/// It is none, or cannot be stored. What was stored all the same is in `stored_paths` too, for
/// the caller to remove.
pub async fn streamed<P: Ports>(
    state: &State<P>,
    body: AnyBody<'_>,
    image: impl FnOnce(image::Format) -> NewImage,
    stored_paths: &mut Vec<String>,
) -> Result<(Stored, u64), Problem> {
    let mut upload = Upload::streamed(body, state.config.image_limits);
    let format = upload.format().await?;
    let image = image(format);
    // Only now, when each user's own uploads are counted: whoever sends nothing takes
    // nobody's place. The image is not kept in memory, so only its buffers are counted.
    let too_many = "Too many uploads are under way. Try again later.";
    let memory = state.upload_memory.take_buffers(&image.owner);
    let _memory = memory.ok_or(Problem::UploadMemoryShort(too_many))?;
    let stored = put(state, image, &mut upload).await?;
    stored_paths.push(stored.path.clone());
    upload.verdict()?;
    Ok((stored, upload.bytes_read()))
}

async fn put<P: Ports, B: Body>(
    state: &State<P>,
    image: NewImage,
    upload: &mut Upload<B>,
) -> Result<Stored, Problem> {
    match state.ports.put(image, upload).await? {
        StoredOrNot::Stored(stored) => Ok(stored),
        StoredOrNot::LimitReached(limit) => Err(limit_reached(state, limit)),
        StoredOrNot::WrongLength => {
            // Where no length was declared, this is known only now.
            if upload.bytes_read() > state.config.upload_limits.bytes {
                return Err(limit_reached(state, ImageLimit::Bytes));
            }
            upload.verdict()?;
            Err(Problem::Invalid(
                "The image is not as long as was declared.".into(),
            ))
        }
    }
}

pub fn new_image<P: Ports>(
    state: &State<P>,
    owner: &Caller,
    format: image::Format,
    length: ImageLength,
) -> NewImage {
    NewImage {
        kind: ImageKind::Upload,
        name: state.ports.uuid(),
        owner: owner.user.clone(),
        media_type: format.media_type().to_owned(),
        length,
        metadata: match owner.is_anonymous {
            true => vec![(IS_ANONYMOUS.to_owned(), "true".to_owned())],
            false => Vec::new(),
        },
        limits: Some(state.config.upload_limits),
    }
}

/// The length of an image that was not declared, but that something else may bound. The store
/// reserves all of it. It is never more than a user may have at all, or not even a first image
/// would be admitted.
pub fn at_most<P>(state: &State<P>, bound: Option<u64>) -> ImageLength {
    let of_user = state.config.upload_limits.bytes;
    let longest = state.config.image_limits.max_bytes.min(of_user);
    ImageLength::AtMost(bound.map_or(longest, |bound| bound.min(longest)))
}

fn limit_reached<P>(state: &State<P>, limit: ImageLimit) -> Problem {
    let limits = state.config.upload_limits;
    match limit {
        ImageLimit::Images => Problem::TooManyUploads(format!(
            "You keep {} uploads already. Delete one first.",
            limits.images
        )),
        ImageLimit::Bytes => Problem::TooManyUploads(format!(
            "Your uploads may take {} together. Delete one first.",
            size::in_words(limits.bytes)
        )),
        ImageLimit::UnderWay => Problem::UploadsUnderWay(format!(
            "{} of your uploads are under way. Wait until one is done.",
            limits.under_way
        )),
    }
}

/// Whether the body is declared as a form.
fn is_form(headers: &Headers) -> bool {
    let declared = headers.text("content-type").unwrap_or_default();
    let declared = declared.to_ascii_lowercase();
    declared.trim_start().starts_with("multipart/")
}
