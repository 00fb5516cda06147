//! `POST /api/images`: uploads an original.

use std::cell::Cell;

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
use crate::upload::Upload;

/// An upload of undeclared length is first buffered in memory. This limits the bytes of
/// all such uploads in an instance; a single one is always accepted.
const MAX_BUFFERED: u64 = 64 * 1024 * 1024;

/// Each upload counts as at least this many bytes, because of its buffers.
const MIN_RESERVATION: u64 = 1024 * 1024;

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
/// meanwhile the store has reserved the maximum size.
async fn received<P: Ports, B: Body>(
    state: &State<P>,
    owner: &Caller,
    body: B,
    declared: Option<u64>,
) -> Result<Stored, Problem> {
    let limits = state.config.image_limits;
    let max_bytes = limits.max_bytes;
    let (mut upload, length, _place) = match declared {
        Some(length) if length > max_bytes => {
            return Err(image::Problem::TooLarge { max_bytes }.into());
        }
        Some(length) => {
            let upload = Upload::streamed(body, limits);
            (upload, ImageLength::Exactly(length), None)
        }
        None => {
            let too_many = "Too many uploads without a declared length are under way.";
            let place = Reservation::take(&state.collecting, max_bytes);
            let place = place.ok_or(Problem::unavailable(too_many, 1))?;
            let upload = Upload::buffered(body, limits);
            (upload, ImageLength::AtMost(max_bytes), Some(place))
        }
    };
    let format = upload.format().await?;
    let image = new_image(state, owner, format, length);
    let stored = put(state, image, &mut upload).await?;
    upload.verdict()?;
    Ok(stored)
}

/// Stores an image that comes within something else, of undeclared length, as it comes.
/// `image`: what to store, by its format.
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
) -> Result<Stored, Problem> {
    let mut upload = Upload::streamed(body, state.config.image_limits);
    let format = upload.format().await?;
    // Only now, when each user's own uploads are counted: whoever sends nothing takes
    // nobody's place. The image is not kept in memory, so nothing is reserved for it.
    let too_many = Problem::unavailable("Too many uploads are under way. Try again later.", 1);
    let _place = Reservation::take(&state.collecting, 0).ok_or(too_many)?;
    let stored = put(state, image(format), &mut upload).await?;
    stored_paths.push(stored.path.clone());
    upload.verdict()?;
    Ok(stored)
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

/// A reservation of memory for an upload, released when dropped.
struct Reservation<'a> {
    taken: &'a Cell<u64>,
    bytes: u64,
}

impl<'a> Reservation<'a> {
    fn take(taken: &'a Cell<u64>, max_bytes: u64) -> Option<Self> {
        let bytes = max_bytes.max(MIN_RESERVATION);
        let all = taken.get().saturating_add(bytes);
        if taken.get() > 0 && all > MAX_BUFFERED {
            return None;
        }
        taken.set(all);
        Some(Self { taken, bytes })
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.taken.set(self.taken.get().saturating_sub(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_in_memory_are_admitted_by_their_bytes() {
        const MIB: u64 = 1024 * 1024;
        let cases = [
            ("tiny", 1, 64),
            ("small", MIB, 64),
            ("the default", 20 * MIB, 3),
            ("32 MiB", 32 * MIB, 2),
            ("just over a half", 32 * MIB + 1, 1),
            ("more than all", 100 * MIB, 1),
            ("without bound", u64::MAX, 1),
        ];
        for (name, max_bytes, at_a_time) in cases {
            let taken = Cell::new(0);
            let take = || Reservation::take(&taken, max_bytes);
            let places: Vec<_> = std::iter::from_fn(take).take(100).collect();
            assert_eq!(places.len(), at_a_time, "{name}");
            drop(places);
            assert_eq!(taken.get(), 0, "{name}");
            assert!(take().is_some(), "{name}: places are given back");
        }
    }
}
