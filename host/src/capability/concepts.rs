//! Refined concepts: what a completed task leaves behind. The promises stand in
//! `wit/concept-store.wit`.
//!
//! A concept is prepared by the worker of its task and becomes visible in the
//! same step that completes the task, so a backend is one with that of the
//! tasks: see [`super::tasks`].

mod link;

use concept_refinement_domain::capability::{ConceptPage, Lease, Position};
use concept_refinement_domain::concept::{Concept, NewConcept};

use super::Answer;

pub trait ConceptStore: Send + Sync {
    /// Prepares the concept of a claimed task, which nobody sees before
    /// `complete`. One a task: a repeat replaces what was prepared and answers
    /// the same id. None: the lease is lost.
    fn put<'a>(&'a self, lease: &'a Lease, concept: NewConcept) -> Answer<'a, Option<String>>;

    /// None: no such concept, or another user's.
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>>;

    /// The user's concepts, newest first, at most `limit`, after a position.
    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage>;

    /// Forgets a concept; its task keeps its result and loses its image.
    /// Answers the path of the image, which is to be deleted. None: no such
    /// concept, or another user's.
    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>>;
}
