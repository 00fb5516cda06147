//! `POST /api/verify`: what marks an image bears, and whether it was made here. Anyone may
//! ask, so the answer must never tell whose image it is. The image passes by and is not
//! kept.

use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image::metadata::Reader;
use concept_refinement_domain::image::{self, Inspector};
use concept_refinement_domain::provenance::marks;
use concept_refinement_domain::timestamp::{Timestamp, rfc3339_or_null};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::answer::{Answer, json};
use super::uploads;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{Body, Request};
use crate::state::State;

#[derive(Serialize)]
struct Verification {
    /// Whether a concept with these very bytes exists here.
    made_here: bool,
    /// When the first such concept was created.
    #[serde(serialize_with = "rfc3339_or_null")]
    made_at: Option<Timestamp>,
    /// The last part of the address of its digital source type.
    source: Option<String>,
    marks: Vec<&'static str>,
}

pub async fn verify<P: Ports, B: Body>(state: &State<P>, request: &Request, body: B) -> Answer<P> {
    if !state.config.verifies {
        return Err(Problem::NotFound("Images are not verified here."));
    }
    let max_bytes = state.config.image_limits.max_bytes;
    let declared = request.headers.content_length();
    if declared.is_some_and(|length| length > max_bytes) {
        return Err(image::Problem::TooLarge { max_bytes }.into());
    }
    let read = read(state, body).await;
    let (metadata, sha256) = read.map_err(|problem| uploads::explained(problem, request))?;
    let made_at = state.ports.find_image(&sha256).await?;
    let verification = Verification {
        made_here: made_at.is_some(),
        made_at,
        source: metadata.source_type().map(str::to_owned),
        marks: marks(&metadata).map(|mark| mark.as_str()).collect(),
    };
    json(200, &verification)
}

/// What the image says of itself, and the SHA-256 of its bytes in hexadecimal.
async fn read<P, B: Body>(
    state: &State<P>,
    mut body: B,
) -> Result<(image::metadata::Metadata, String), Problem> {
    let mut inspector = Inspector::new(state.config.image_limits);
    let mut reader = Reader::new();
    let mut hash = Sha256::new();
    while let Some(chunk) = body.chunk().await? {
        inspector.push(&chunk)?;
        reader.push(&chunk);
        hash.update(&chunk);
    }
    inspector.finish()?;
    let metadata = reader.finish(inspector.picture_end());
    Ok((metadata, hex(&hash.finalize())))
}
