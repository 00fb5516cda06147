//! `GET /api/concepts/{id}/lineage`: what a concept was refined from, and what was refined
//! from it.

use std::collections::{HashSet, VecDeque};

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::validation;
use serde::Serialize;

use super::answer::{Answer, json};
use super::concepts::{NO_SUCH_CONCEPT, represented};
use crate::ports::Ports;
use crate::representation::ConceptResponse;
use crate::request::Request;
use crate::state::State;

/// Most concepts of an answer.
const MAX_CONCEPTS: usize = 100;

/// The oldest first.
#[derive(Serialize)]
struct Lineage<'a> {
    concepts: Vec<ConceptResponse<'a>>,
}

pub async fn get<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.reader(request).await?;
    let id = validation::uuid(id).ok_or(NO_SUCH_CONCEPT)?;
    let concept = state.ports.concept(&caller.user, &id).await?;
    let concept = concept.ok_or(NO_SUCH_CONCEPT)?;
    let lineage = lineage(&state.ports, &caller.user, concept).await?;
    let concepts = represented(state, request, &lineage).await?;
    json(200, &Lineage { concepts })
}

/// A concept that was deleted ends the way, in either direction. If there are too many, the
/// nearest count, and those before it more than those after it.
async fn lineage(
    store: &impl Ports,
    user: &str,
    concept: Concept,
) -> Result<Vec<Concept>, CapabilityError> {
    let id = concept.id.clone();
    // What is stored has no circles, but a backup may have been tampered with.
    let mut seen = HashSet::from([id.clone()]);
    let mut before = concept.content.parent_id.clone();
    let mut lineage = vec![concept];
    while lineage.len() < MAX_CONCEPTS
        && let Some(parent_id) = before
        && seen.insert(parent_id.clone())
        && let Some(parent) = store.concept(user, &parent_id).await?
    {
        before = parent.content.parent_id.clone();
        lineage.push(parent);
    }
    let mut after = VecDeque::from([id]);
    while let left @ 1.. = MAX_CONCEPTS.saturating_sub(lineage.len())
        && let Some(parent_id) = after.pop_front()
    {
        let limit = u32::try_from(left).unwrap_or(u32::MAX);
        for child in store.children(user, &parent_id, limit).await? {
            if seen.insert(child.id.clone()) {
                after.push_back(child.id.clone());
                lineage.push(child);
            }
        }
    }
    lineage.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(lineage)
}
