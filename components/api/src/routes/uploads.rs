//! `POST /api/images`: an original whose image has no URL.

use std::cell::Cell;

use concept_refinement_domain::capability::{ImageKind, NewImage, Stored, StoredOrNot};
use concept_refinement_domain::image;
use serde::Serialize;

use super::Answer;
use crate::api::Api;
use crate::auth;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{Body, Request};
use crate::response::Response;
use crate::upload::Upload;

/// An upload of undeclared length is collected in memory first. So many at a
/// time, since an instance's memory is bounded.
const COLLECTING_AT_MOST: usize = 4;

#[derive(Serialize)]
struct Uploaded<'a> {
    image_url: &'a str,
    path: &'a str,
}

pub async fn upload<P: Ports + 'static, B: Body>(api: &Api<P>, request: Request<B>) -> Answer<P> {
    let caller = auth::writer(&api.config, &request, api.ports.now())?;
    let upload = Upload::new(request.body, api.config.image_limits);
    let stored = match request.headers.content_length() {
        Some(length) => stream(api, caller.user, upload, length).await?,
        None => collect(api, caller.user, upload).await?,
    };
    let image_url = api
        .ports
        .sign(&stored.path, request.origin.as_str())
        .await?;
    Response::json(
        201,
        &Uploaded {
            image_url: &image_url,
            path: &stored.path,
        },
    )
}

/// The store reads the body while it comes.
async fn stream<P: Ports, B: Body>(
    api: &Api<P>,
    owner: String,
    mut upload: Upload<B>,
    length: u64,
) -> Result<Stored, Problem> {
    let max_bytes = api.config.image_limits.max_bytes;
    if length > max_bytes {
        return Err(image::Problem::TooLarge { max_bytes }.into());
    }
    let Some(format) = upload.format().await else {
        return Err(upload.verdict().err().unwrap_or(Problem::Internal));
    };
    let image = new_image(api, owner, format, length);
    match api.ports.put(image, &mut upload).await {
        Ok(StoredOrNot::TooMany) => Err(too_many(api)),
        Ok(StoredOrNot::Stored(stored)) => upload.verdict().map(|_| stored),
        Ok(StoredOrNot::WrongLength) => {
            upload.verdict()?;
            Err(Problem::Invalid(
                "The image is not as long as was declared.".into(),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

async fn collect<P: Ports, B: Body>(
    api: &Api<P>,
    owner: String,
    upload: Upload<B>,
) -> Result<Stored, Problem> {
    let _place = Place::take(&api.collecting).ok_or(Problem::Unavailable {
        detail: "Too many uploads without a declared length are under way.".into(),
        retry_after: Some(1),
    })?;
    let (inspected, mut contents) = upload.collect().await?;
    let image = new_image(api, owner, inspected.format, inspected.bytes);
    match api.ports.put(image, &mut contents).await? {
        StoredOrNot::Stored(stored) => Ok(stored),
        StoredOrNot::TooMany => Err(too_many(api)),
        StoredOrNot::WrongLength => Err(Problem::Internal),
    }
}

fn new_image<P: Ports>(
    api: &Api<P>,
    owner: String,
    format: image::Format,
    length: u64,
) -> NewImage {
    NewImage {
        kind: ImageKind::Upload,
        name: api.ports.uuid(),
        owner,
        media_type: format.media_type().to_owned(),
        length,
        metadata: Vec::new(),
        at_most: Some(api.config.uploads),
    }
}

fn too_many<P>(api: &Api<P>) -> Problem {
    Problem::TooManyKept(format!(
        "You keep {} uploads already. Delete one first.",
        api.config.uploads
    ))
}

/// One of the places for uploads in memory, given back when it is dropped.
struct Place<'a>(&'a Cell<usize>);

impl<'a> Place<'a> {
    fn take(taken: &'a Cell<usize>) -> Option<Self> {
        if taken.get() >= COLLECTING_AT_MOST {
            return None;
        }
        taken.set(taken.get() + 1);
        Some(Self(taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
