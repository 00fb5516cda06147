//! Finds concepts by the concept that they were refined from, and by their images: keys
//! cannot be listed.
//!
//! Both are written before the swap that completes a task, so that nothing is missing after a
//! crash. What refers to a concept that was never made, or was deleted, is passed over by
//! whoever reads it.

use concept_refinement_domain::capability::RefinedImage;
use concept_refinement_domain::concept::{Concept, id_for};
use concept_refinement_domain::timestamp::Timestamp;

use crate::documents::{self, ImageHashDocument, TaskDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;

impl<P: Platform, M: Machine> Store<P, M> {
    /// The concepts that were refined from this one, the oldest first: of the latest
    /// [`MAX_CHILDREN`](crate::user_record::entries::MAX_CHILDREN).
    pub async fn children(
        &self,
        user_id: &str,
        id: &str,
        limit: u32,
    ) -> Result<Vec<Concept>, Fault> {
        let Some((parent, _)) = self.concept_entry(user_id, id).await? else {
            return Ok(Vec::new());
        };
        let user_record = self.user_record(user_id).await?;
        let mut children = Vec::new();
        for number in parent.children {
            if let Some(entry) = self.entry(user_id, &user_record, number).await? {
                children.extend(self.concept_of(&entry).await?);
            }
        }
        children.retain(|child| child.content.parent_id.as_deref() == Some(id));
        children
            .sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        children.truncate(limit as usize);
        Ok(children)
    }

    /// When the concept was created that is known to have this image. Where several have it,
    /// that is the first, unless two tasks ended at the same time.
    pub async fn find_image(&self, sha256: &str) -> Result<Option<Timestamp>, Fault> {
        let concept = self.concept_with_image(sha256).await?;
        Ok(concept.map(|concept| concept.created_at))
    }

    /// Before a task with this request is completed.
    pub(crate) async fn index(
        &self,
        task_id: &str,
        task: &TaskDocument,
        image: &RefinedImage,
    ) -> Result<(), Fault> {
        if let Some(parent_id) = task.parent_id()
            && let Some(place) = self.place_of_concept(parent_id).await?
            && place.user_id == task.user_id
        {
            self.change_entry(&place.user_id, place.number, &place.task_id, |entry| {
                entry.add_child(task.number)
            })
            .await?;
        }
        if let Some(sha256) = &image.stored.sha256
            && let Some(key) = names::image_hash(sha256)
            && self.concept_with_image(sha256).await?.is_none()
        {
            let concept_id = id_for(task_id);
            let document = documents::encode(&ImageHashDocument { concept_id });
            self.platform.set_many(vec![(key, document)]).await?;
        }
        Ok(())
    }

    /// The key of what finds this concept by its image, if anything does.
    pub(crate) async fn key_of_image(&self, concept: &Concept) -> Result<Option<String>, Fault> {
        let sha256 = concept.content.image_sha256.as_deref();
        let Some(key) = sha256.and_then(names::image_hash) else {
            return Ok(None);
        };
        let found: Option<ImageHashDocument> = self.document(Some(key.clone())).await?;
        let is_found = found.is_some_and(|found| found.concept_id == concept.id);
        Ok(is_found.then_some(key))
    }

    async fn concept_with_image(&self, sha256: &str) -> Result<Option<Concept>, Fault> {
        let found = self.document(names::image_hash(sha256)).await?;
        let Some(ImageHashDocument { concept_id }) = found else {
            return Ok(None);
        };
        let Some(place) = self.place_of_concept(&concept_id).await? else {
            return Ok(None);
        };
        let concept = self.concept(&place.user_id, &concept_id).await?;
        Ok(concept.filter(|concept| concept.content.image_sha256.as_deref() == Some(sha256)))
    }
}
