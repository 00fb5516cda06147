//! `/api/concepts`.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::cursor::List;
use concept_refinement_domain::validation;
use serde::Serialize;

use super::answer::{Answer, json};
use crate::paging::{ByStatus, Paging, next_cursor};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::representation::ConceptResponse;
use crate::request::Request;
use crate::response::Response;
use crate::state::State;

pub const NO_SUCH_CONCEPT: Problem = Problem::NotFound("There is no such concept.");

/// A page of concepts, newest first.
#[derive(Serialize)]
pub struct ConceptList<'a> {
    concepts: Vec<ConceptResponse<'a>>,
    /// Where the next page begins; null after the last one.
    next_cursor: Option<String>,
}

pub async fn get<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.reader(request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_CONCEPT)?;
    let concept = state
        .ports
        .concept(&caller.user, &id)
        .await?
        .ok_or(NO_SUCH_CONCEPT)?;
    json(200, &shown(state, request, &concept).await?)
}

pub async fn list<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let caller = state.auth.reader(request).await?;
    let paging = Paging::parse(
        request.query.as_deref(),
        List::Concepts,
        &caller.user,
        ByStatus::No,
    )?;
    let page = state
        .ports
        .concepts(&caller.user, paging.limit, paging.after)
        .await?;
    let concepts = represented(state, request, &page.items).await?;
    let next_cursor = next_cursor(List::Concepts, &caller.user, page.next.as_ref());
    json(
        200,
        &ConceptList {
            concepts,
            next_cursor,
        },
    )
}

/// Concepts with signed URLs.
pub async fn represented<'a, P: Ports>(
    state: &State<P>,
    request: &Request,
    concepts: &'a [Concept],
) -> Result<Vec<ConceptResponse<'a>>, CapabilityError> {
    let mut represented = Vec::with_capacity(concepts.len());
    for concept in concepts {
        represented.push(shown(state, request, concept).await?);
    }
    Ok(represented)
}

async fn shown<'a, P: Ports>(
    state: &State<P>,
    request: &Request,
    concept: &'a Concept,
) -> Result<ConceptResponse<'a>, CapabilityError> {
    let path = &concept.content.image_path;
    let image_url = state.ports.sign(path, request.origin.as_str()).await?;
    Ok(ConceptResponse::new(concept, image_url))
}

/// Deletes the image first: nothing is left of it where this says that all is gone, and whatever a
/// fault or a crash leaves, a repeat deletes, since the concept still names it. This also frees the
/// space that deleting the concept needs on a full disk.
pub async fn delete<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_CONCEPT)?;
    let (ports, user) = (&state.ports, caller.user.as_str());
    let concept = ports.concept(user, &id).await?.ok_or(NO_SUCH_CONCEPT)?;
    ports.delete_image(&concept.content.image_path).await?;
    let deleted = ports.delete_concept(user, &id).await?;
    deleted.ok_or(NO_SUCH_CONCEPT)?;
    Ok(Response::empty(204))
}
