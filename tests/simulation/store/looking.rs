//! Looks at what is stored as users would, and shows it to the oracle.

use concept_refinement_domain::capability::Stored;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::{Status, Task};

use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::tasks::Tasks;
use concept_refinement_capability::webhooks::Webhooks;

use super::Store;
use crate::flaws::Flaw;

impl Store {
    /// All that a user has.
    pub fn all_of(&self, user: &str) -> (Vec<Task>, Vec<Concept>) {
        const MANY: u32 = 1_000;
        let tasks = self
            .drive(Tasks::list(&*self.inner, user, None, MANY, None))
            .unwrap();
        let concepts = self
            .drive(Concepts::list(&*self.inner, user, MANY, None))
            .unwrap();
        let mut concepts = concepts.items;
        if self.flaw == Some(Flaw::ConceptTwice) {
            concepts.extend_from_within(..);
        }
        (tasks.items, concepts)
    }

    /// Looks at a task and its concept as their user would.
    pub fn look_at(&self, id: &str) {
        let oracle = self.oracle.borrow();
        let Some(user) = oracle.tasks().get(id).map(|task| task.user.clone()) else {
            return;
        };
        drop(oracle);
        let user = user.as_str();
        let mut task = self.drive(Tasks::get(&*self.inner, user, id)).unwrap();
        let concept_id = self.oracle.borrow().concept_of(id);
        let mut concept =
            concept_id.and_then(|id| self.drive(Concepts::get(&*self.inner, user, &id)).unwrap());
        match self.flaw {
            Some(Flaw::FinalStateChanges) => {
                for task in task.iter_mut().filter(|task| task.status.is_final()) {
                    task.status = Status::Failed;
                }
            }
            Some(Flaw::TaskVanishes) => {
                task = task.filter(|task| task.status != Status::Processing);
            }
            Some(Flaw::ConceptUnseen) => concept = None,
            Some(Flaw::ConceptSeenEarly) => {
                concept = concept.or_else(|| self.early(id));
            }
            _ => {}
        }
        let delivery = self
            .drive(Webhooks::webhook(&*self.inner, user, id))
            .unwrap();
        let mut oracle = self.oracle.borrow_mut();
        oracle.delivery_seen(id, delivery.as_ref());
        oracle.seen(id, task.as_ref(), concept.as_ref(), &self.images);
    }

    /// The concept of a task that is worked on, as a flawed store would show it.
    fn early(&self, id: &str) -> Option<Concept> {
        let oracle = self.oracle.borrow();
        let known = oracle.tasks().get(id)?;
        let task = self.drive(Tasks::get(&*self.inner, &known.user, id));
        let task = task
            .unwrap()
            .filter(|_| known.status == Status::Processing)?;
        let image = Stored {
            path: "refined/early".to_owned(),
            url: String::new(),
            sha256: None,
        };
        Some(Concept::of(&task, image.into(), self.now()))
    }
}
