//! `concept-store`. A concept is a document that the end of its task refers to; concepts
//! are listed by way of their tasks.

use concept_refinement_domain::concept::{Concept, id_for};

use crate::documents::{self, ConceptDocument, TaskDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::reads::concept;
use crate::store::Store;
use crate::user_record::entries::Entry;

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn concept(&self, user_id: &str, id: &str) -> Result<Option<Concept>, Fault> {
        let Some((entry, _)) = self.concept_entry(user_id, id).await? else {
            return Ok(None);
        };
        self.concept_of(&entry).await
    }

    /// Returns the path of the concept's image. What the end of its task says besides is
    /// kept for the task, in a document of its own.
    pub async fn delete_concept(&self, user_id: &str, id: &str) -> Result<Option<String>, Fault> {
        let Some((entry, place)) = self.concept_entry(user_id, id).await? else {
            return Ok(None);
        };
        let Some(end) = self.end_document(&entry).await? else {
            return Ok(None);
        };
        let Some(concept) = concept(&entry, &end)? else {
            return Ok(None);
        };
        let key_of_image = self.key_of_image(&concept).await?;
        let ConceptDocument {
            task_id, number, ..
        } = &place;
        let name = self.drawn();
        let kept = names::end(task_id, &name);
        if !entry.task_is_deleted {
            let end = documents::encode(&end.without_concept());
            self.platform.set_many(vec![(kept.clone(), end)]).await?;
        }
        let delete = |entry: &mut Entry| {
            let document = entry.delete_concept(&name)?;
            Some((document, entry.task_is_deleted))
        };
        let deleted = self.change_entry(user_id, *number, task_id, delete).await?;
        let Some((document, task_is_deleted)) = deleted else {
            self.remove_unreferenced(&[kept]).await;
            return Ok(None);
        };
        let mut leftovers = vec![names::end(task_id, &document)];
        leftovers.extend(names::concept(id));
        leftovers.extend(key_of_image);
        leftovers.extend(task_is_deleted.then_some(kept));
        self.remove_unreferenced(&leftovers).await;
        Ok(Some(concept.content.image_path))
    }

    pub(crate) async fn place_of_concept(
        &self,
        id: &str,
    ) -> Result<Option<ConceptDocument>, Fault> {
        self.document(names::concept(id)).await
    }

    /// Finds the entry of the concept with this id, and its place.
    pub(crate) async fn concept_entry(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Entry, ConceptDocument)>, Fault> {
        let place = self.place_of_concept(id).await?;
        let Some(place) = place.filter(|place| place.user_id == user_id) else {
            return Ok(None);
        };
        let user_record = self.user_record(user_id).await?;
        let entry = self.entry(user_id, &user_record, place.number).await?;
        Ok(entry
            .filter(|entry| entry.task_id == place.task_id)
            .filter(|entry| entry.position_of_concept().is_some())
            .map(|entry| (entry, place)))
    }
}

/// Where the concept of a task can be found; this never changes.
pub(crate) fn place_of_concept(task_id: &str, task: &TaskDocument) -> Option<(String, Vec<u8>)> {
    let place = ConceptDocument {
        task_id: task_id.to_owned(),
        user_id: task.user_id.clone(),
        number: task.number,
    };
    let key = names::concept(&id_for(task_id))?;
    Some((key, documents::encode(&place)))
}
