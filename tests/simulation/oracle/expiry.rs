//! What is forgotten because of its age.

use std::collections::BTreeSet;

use concept_refinement_capability::tasks::Expired;
use concept_refinement_domain::timestamp::Timestamp;

use super::{Expected, Invariant, Oracle};

impl Oracle {
    /// Answers the tasks that it has to do with.
    pub fn expired(&mut self, before: Timestamp, answer: &Expired) -> Vec<String> {
        let originals: BTreeSet<_> = self
            .tasks
            .values()
            .filter(|task| task.is_active())
            .filter_map(|task| task.original.clone())
            .collect();
        let mut images = BTreeSet::new();
        let mut tasks = 0;
        let mut touched = Vec::new();
        for (id, task) in &mut self.tasks {
            if !task.status.is_final() || task.completed_at >= before {
                continue;
            }
            if let Some(path) = shown(task).filter(|path| !originals.contains(path)) {
                task.is_concept_deleted = true;
                images.insert(path);
                touched.push(id.clone());
            }
            if !task.is_deleted {
                task.is_deleted = true;
                tasks += 1;
                touched.push(id.clone());
            }
        }
        let found: BTreeSet<_> = answer.image_paths.iter().cloned().collect();
        let counts = (answer.tasks, answer.concepts as usize);
        let expected = (tasks, images.len());
        self.require(
            found == images && counts == expected,
            Invariant::NothingLost,
            || format!("{answer:?} was forgotten in place of {images:?} and {tasks} tasks"),
        );
        touched
    }
}

fn shown(task: &Expected) -> Option<String> {
    let (_, path) = task.concept.as_ref().filter(|_| task.is_visible())?;
    Some(path.clone())
}
