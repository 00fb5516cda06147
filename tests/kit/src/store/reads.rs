//! What users see.

use concept_refinement_domain::capability::{ConceptPage, Page, Position, TaskPage};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use super::MemoryStore;

impl MemoryStore {
    pub fn get(&self, user_id: &str, id: &str) -> Option<Task> {
        let task = self.tasks.get(id).map(|row| &row.record.task);
        task.filter(|task| task.user_id == user_id).cloned()
    }

    pub fn list(
        &self,
        user_id: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> TaskPage {
        let tasks = self.tasks_of(user_id);
        let listed = tasks.filter(|task| status.is_none_or(|status| status == task.status));
        page(listed.cloned(), limit, after, |task| Position {
            created_at: task.created_at,
            id: task.id.clone(),
        })
    }

    pub fn concept(&self, user_id: &str, id: &str) -> Option<Concept> {
        let mut concepts = self.concepts_of(user_id);
        concepts.find(|concept| concept.id == id).cloned()
    }

    pub fn concepts(&self, user_id: &str, limit: u32, after: Option<Position>) -> ConceptPage {
        page(
            self.concepts_of(user_id).cloned(),
            limit,
            after,
            |concept| Position {
                created_at: concept.created_at,
                id: concept.id.clone(),
            },
        )
    }

    pub fn children(&self, user_id: &str, id: &str, limit: u32) -> Vec<Concept> {
        let concepts = self.concepts_of(user_id);
        let children = concepts.filter(|it| it.content.parent_id.as_deref() == Some(id));
        let mut children: Vec<_> = children.cloned().collect();
        children
            .sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        children.truncate(limit as usize);
        children
    }

    pub fn find_image(&self, sha256: &str) -> Option<Timestamp> {
        let concepts = self.concepts.values();
        let with_it = concepts.filter(|it| it.content.image_sha256.as_deref() == Some(sha256));
        with_it.map(|concept| concept.created_at).min()
    }

    /// Forgets a concept; its task keeps its result and loses its image, whose
    /// path is answered.
    pub fn delete_concept(&mut self, user_id: &str, id: &str) -> Option<String> {
        let concept = self.concept(user_id, id)?;
        self.remove_concept(&concept);
        Some(concept.content.image_path)
    }

    pub(super) fn remove_concept(&mut self, concept: &Concept) {
        let task_id = &concept.content.task_id;
        self.concepts.remove(&concept.id);
        if let Some(row) = self.tasks.get_mut(task_id) {
            row.record.task.image_path = None;
        }
        self.forgotten.insert(task_id.clone());
    }

    pub(super) fn tasks_of(&self, user_id: &str) -> impl Iterator<Item = &Task> {
        let tasks = self.tasks.values().map(|row| &row.record.task);
        tasks.filter(move |task| task.user_id == user_id)
    }

    fn concepts_of(&self, user_id: &str) -> impl Iterator<Item = &Concept> {
        let concepts = self.all_concepts();
        concepts.filter(move |concept| concept.content.user_id == user_id)
    }

    /// Of all users, by their ids.
    pub fn all_concepts(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.values()
    }
}

/// Newest first.
fn page<T>(
    items: impl Iterator<Item = T>,
    limit: u32,
    after: Option<Position>,
    position: impl Fn(&T) -> Position,
) -> Page<T> {
    let key = |item: &T| {
        let position = position(item);
        (position.created_at, position.id)
    };
    let after = after.map(|after| (after.created_at, after.id));
    let is_wanted = |item: &T| after.as_ref().is_none_or(|after| key(item) < *after);
    let mut items: Vec<_> = items.filter(is_wanted).collect();
    items.sort_by_key(|item| std::cmp::Reverse(key(item)));
    Page::of(items, limit, position)
}
