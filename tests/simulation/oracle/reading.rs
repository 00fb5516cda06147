//! What users and keepers of the images have to see.

use std::collections::BTreeSet;

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::refined;
use concept_refinement_domain::task::{Status, Task};

use super::{Expected, Invariant, Oracle};
use crate::images::{Images, picture};

impl Oracle {
    /// The concept to look at with a task.
    pub fn concept_of(&self, id: &str) -> Option<String> {
        let (concept, _) = self.tasks.get(id)?.concept.as_ref()?;
        Some(concept.clone())
    }

    /// A task, and its concept, as its user sees them now.
    pub fn seen(
        &mut self,
        id: &str,
        task: Option<&Task>,
        concept: Option<&Concept>,
        images: &Images,
    ) {
        let Some(known) = self.tasks.get(id) else {
            return;
        };
        let expected = (!known.is_deleted).then_some(known.status);
        let status = task.map(|task| task.status);
        let was_final = !known.is_deleted && known.status.is_final();
        let invariant = match (was_final, status) {
            (true, Some(_)) => Invariant::OneFinalState,
            _ => Invariant::NothingLost,
        };
        let path = known.concept.as_ref().map(|(_, path)| path.clone());
        let shown = path.clone().filter(|_| known.is_visible());
        let result = known.concept.as_ref().map(|(id, _)| id.clone());
        let result = result.filter(|_| known.status == Status::Completed);
        let (is_visible, needs_image) = (known.is_visible(), known.needs_image());
        self.require(status == expected, invariant, || {
            format!("{id} is {status:?} in place of {expected:?}")
        });
        if let Some(task) = task {
            self.require(
                task.image_path == shown && task.result_id == result,
                Invariant::VisibleIffCompleted,
                || format!("{id} shows {:?} and {:?}", task.result_id, task.image_path),
            );
        }
        self.require(
            concept.is_some() == is_visible,
            Invariant::VisibleIffCompleted,
            || {
                format!(
                    "the concept of {id} ({expected:?}) is seen: {}",
                    concept.is_some()
                )
            },
        );
        if let Some(concept) = concept {
            let right =
                concept.content.task_id == id && Some(&concept.content.image_path) == path.as_ref();
            self.require(right, Invariant::OneConcept, || {
                format!("the concept of {id} is {concept:?}")
            });
        }
        if needs_image {
            self.check_image(id, path.as_deref().unwrap_or_default(), images);
        }
    }

    fn check_image(&mut self, id: &str, path: &str, images: &Images) {
        let image = images.get(path);
        let is_whole = image.is_some_and(|(_, bytes)| bytes == picture(id));
        self.require(is_whole, Invariant::WholeImage, || {
            format!(
                "the image {path} of the visible concept of {id} is not there as it was answered"
            )
        });
    }

    /// These may be removed, says the store.
    pub fn unreferenced(&mut self, paths: &[String]) {
        for path in paths {
            let Some((id, _)) = refined::task_and_attempt(path) else {
                self.require(false, Invariant::Answers, || format!("{path} is nobody's"));
                continue;
            };
            let needed = self.tasks.get(id).is_some_and(|task| {
                let is_shown = task.is_visible()
                    && task
                        .concept
                        .as_ref()
                        .is_some_and(|concept| concept.1 == *path);
                is_shown || task.is_active()
            });
            self.require(!needed, Invariant::WholeImage, || {
                format!("{path} is to be removed although it is needed")
            });
        }
    }

    /// An image is there.
    pub fn image_stored(&mut self, path: &str) {
        if let Some(task) = self.task_of(path) {
            task.images.insert(path.to_owned());
        }
    }

    /// An image is gone.
    pub fn image_removed(&mut self, path: &str) {
        let Some(task) = self.task_of(path) else {
            return;
        };
        let is_coming = task.images.remove(path) && task.is_active();
        let is_shown = task.needs_image() && is_of(task, path);
        self.require(!is_shown, Invariant::WholeImage, || {
            format!("{path} was removed, the image of a visible concept")
        });
        self.require(!is_coming, Invariant::StoredImage, || {
            format!("{path} was removed, and its task goes on")
        });
    }

    fn task_of(&mut self, path: &str) -> Option<&mut Expected> {
        let (id, _) = refined::task_and_attempt(path)?;
        self.tasks.get_mut(id)
    }

    /// All that a user sees in the end.
    pub fn seen_in_the_end(&mut self, user: &str, tasks: &[Task], concepts: &[Concept]) {
        let own = |visible: fn(&Expected) -> bool| {
            self.tasks
                .iter()
                .filter(|(_, task)| task.user == user && visible(task))
                .map(|(id, _)| id.clone())
                .collect::<BTreeSet<_>>()
        };
        let expected = own(|task| !task.is_deleted);
        let shown = own(Expected::is_visible);
        let found: BTreeSet<_> = tasks.iter().map(|task| task.id.clone()).collect();
        self.require(
            found == expected && found.len() == tasks.len(),
            Invariant::NothingLost,
            || format!("{user} has the tasks {found:?} in place of {expected:?}"),
        );
        let of: BTreeSet<_> = concepts
            .iter()
            .map(|concept| concept.content.task_id.clone())
            .collect();
        self.require(of.len() == concepts.len(), Invariant::OneConcept, || {
            format!("{user} has two concepts of one task: {of:?}")
        });
        self.require(of == shown, Invariant::VisibleIffCompleted, || {
            format!("{user} has the concepts of {of:?} in place of {shown:?}")
        });
    }

    /// The images that are left once all is quiet and tidy.
    pub fn left_in_the_end(&mut self, images: &Images) {
        let left: BTreeSet<_> = images.paths().into_iter().collect();
        let visible = self.tasks.iter().filter(|(_, task)| task.is_visible());
        let concepts: Vec<_> = visible
            .map(|(id, task)| {
                let path = task.concept.clone().unwrap().1;
                (id.clone(), path, task.needs_image())
            })
            .collect();
        let mut expected = BTreeSet::new();
        for (id, path, needs_image) in concepts {
            if needs_image {
                self.check_image(&id, &path, images);
            }
            expected.insert(path);
        }
        self.require(left.is_subset(&expected), Invariant::OneImage, || {
            format!("the images {left:?} are left, of which only {expected:?} are of concepts")
        });
    }
}

fn is_of(task: &Expected, path: &str) -> bool {
    task.concept
        .as_ref()
        .is_some_and(|concept| concept.1 == path)
}
