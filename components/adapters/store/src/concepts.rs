//! `concept-store`. A concept is a document that the end of its task refers to; concepts
//! are listed by way of their tasks.

use concept_refinement_domain::concept::{Concept, id_for};

use crate::documents::{self, ConceptDocument, TaskDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::reads::{concept, end_of};
use crate::store::Store;
use crate::user_record::entries::Entry;

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn concept(&self, user_id: &str, id: &str) -> Result<Option<Concept>, Fault> {
        let Some((entry, _)) = self.concept_entry(user_id, id).await? else {
            return Ok(None);
        };
        self.concept_of(&entry).await
    }

    /// Returns the path of the concept's image.
    pub async fn delete_concept(&self, user_id: &str, id: &str) -> Result<Option<String>, Fault> {
        let Some((entry, place)) = self.concept_entry(user_id, id).await? else {
            return Ok(None);
        };
        let Some(concept) = self.concept_of(&entry).await? else {
            return Ok(None);
        };
        let task_id = &place.task_id;
        let delete = |entry: &mut Entry| entry.delete_concept(task_id);
        let deleted = self.change_entry(user_id, place.number, delete).await?;
        let Some(document) = deleted else {
            return Ok(None);
        };
        let mut leftovers = vec![names::end(task_id, &document)];
        leftovers.extend(names::concept(id));
        self.remove_unreferenced(&leftovers).await;
        Ok(Some(concept.content.image_path))
    }

    pub(crate) async fn place_of_concept(
        &self,
        id: &str,
    ) -> Result<Option<ConceptDocument>, Fault> {
        match names::concept(id) {
            Some(key) => self.document(&key).await,
            None => Ok(None),
        }
    }

    /// Finds the entry of the concept with this id, and its place.
    async fn concept_entry(
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

    pub(crate) async fn concept_of(&self, entry: &Entry) -> Result<Option<Concept>, Fault> {
        let document = match end_of(entry) {
            Some(key) => self.platform.get(&key).await?,
            None => None,
        };
        let document = document.as_deref().map(documents::decode).transpose()?;
        Ok(document.and_then(|document| concept(entry, document)))
    }
}

/// Where the concept of a task can be found; this never changes.
pub(crate) fn place_of_concept(
    task_id: &str,
    task: &TaskDocument,
) -> Result<Option<(String, Vec<u8>)>, Fault> {
    let Some(key) = names::concept(&id_for(task_id)) else {
        return Ok(None);
    };
    let place = ConceptDocument {
        task_id: task_id.to_owned(),
        user_id: task.user_id.clone(),
        number: task.number,
    };
    Ok(Some((key, documents::encode(&place)?)))
}
