//! What a test arranges without the rules.

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Task;

use super::MemoryStore;

impl MemoryStore {
    /// By their ids.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().map(|row| &row.record.task)
    }

    /// Changes a task, if it is there.
    pub fn edit(&mut self, id: &str, edit: impl FnOnce(&mut Task)) {
        self.edit_record(id, |record| edit(&mut record.task));
    }

    /// Changes a task with what users do not see of it.
    pub fn edit_record(&mut self, id: &str, edit: impl FnOnce(&mut TaskRecord)) {
        if let Some(row) = self.tasks.get_mut(id) {
            edit(&mut row.record);
        }
    }

    pub fn insert_concept(&mut self, concept: Concept) {
        self.concepts.insert(concept.id.clone(), concept);
    }

    pub fn limit_backlog(&mut self, max_backlog: u32) {
        self.options.max_backlog = max_backlog;
    }
}
