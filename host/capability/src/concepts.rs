//! Refined concepts, the results of completed tasks. `wit/concept-store.wit`
//! has the promises.
//!
//! A concept is prepared by the worker of its task and becomes visible in the
//! same step that completes the task, so its backend is that of the tasks: see
//! [`TaskStore`](super::tasks::TaskStore).

use concept_refinement_domain::capability::{ConceptPage, Position};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::timestamp::Timestamp;

use super::Answer;

/// Operations for the API.
pub trait Concepts: Send + Sync {
    /// None: no such concept, or another user's.
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>>;

    /// The user's concepts, newest first, at most `limit`, after a position.
    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage>;

    /// The user's concepts that were refined from one of the user's, the oldest first, at most
    /// `limit`.
    fn children<'a>(
        &'a self,
        user_id: &'a str,
        id: &'a str,
        limit: u32,
    ) -> Answer<'a, Vec<Concept>>;

    /// When the first concept of anybody was created whose image has these very bytes: their
    /// SHA-256 in lower-case hexadecimal. None: there is none now.
    fn find_image<'a>(&'a self, sha256: &'a str) -> Answer<'a, Option<Timestamp>>;

    /// Deletes a concept. Its task keeps its result id and loses its image.
    /// Returns the path of the image, which the caller deletes. None: no such
    /// concept, or another user's.
    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>>;
}
