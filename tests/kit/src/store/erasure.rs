//! Erasing a user.

use concept_refinement_domain::capability::Erased;

use super::MemoryStore;

impl MemoryStore {
    /// Removes at most so many tasks, concepts and keys of the user. What was counted
    /// for the quota stays.
    pub fn erase_user(&mut self, user_id: &str, limit: u32) -> Erased {
        let mut tasks: Vec<_> = self.tasks_of(user_id).map(|task| task.id.clone()).collect();
        let concepts = self.all_concepts();
        let concepts = concepts.filter(|concept| concept.content.user_id == user_id);
        let mut concepts: Vec<_> = concepts.cloned().collect();
        let keys = self.keys.keys().filter(|(user, _)| user == user_id);
        let mut keys: Vec<_> = keys.cloned().collect();
        let limit = limit as usize;
        let has_more = [tasks.len(), concepts.len(), keys.len()]
            .into_iter()
            .any(|count| count > limit);
        tasks.truncate(limit);
        concepts.truncate(limit);
        keys.truncate(limit);
        for id in tasks {
            self.remove(&id);
        }
        for concept in &concepts {
            self.remove_concept(concept);
        }
        for key in keys {
            self.keys.remove(&key);
        }
        self.last_claims.remove(user_id);
        if let Some(user) = self.users.get_mut(user_id) {
            // Nothing is left whose times others would have to follow.
            user.last_created = None;
            user.last_ended = None;
        }
        let image_paths = concepts.into_iter();
        Erased {
            image_paths: image_paths
                .map(|concept| concept.content.image_path)
                .collect(),
            has_more,
        }
    }
}
