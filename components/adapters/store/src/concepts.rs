//! `concept-store`. A concept is a document that its task's end refers to;
//! concepts are listed by their tasks.

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::concept::{Concept, NewConcept, id_for};
use concept_refinement_domain::rulebook;

use crate::documents::{self, ConceptDocument, EndDocument};
use crate::ledger::Outcome;
use crate::ledger::entries::Entry;
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::reads::{concept, end_of};
use crate::store::Store;

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn put_concept(
        &self,
        lease: &Lease,
        concept: NewConcept,
    ) -> Result<Option<String>, Fault> {
        let Some(task) = self.task_document(&lease.task_id).await? else {
            return Ok(None);
        };
        let id = id_for(&lease.task_id);
        let place = ConceptDocument {
            task_id: lease.task_id.clone(),
            user_id: task.user_id.clone(),
            number: task.number,
        };
        let name = self.drawn();
        let document = names::end(&lease.task_id, &name);
        if concept.is_of(&lease.task_id, &task.user_id) {
            let content = EndDocument::Concept(concept.clone());
            let mut written = vec![(document.clone(), documents::encode(&content)?)];
            // It is always the same, so writing it again does no harm.
            if let Some(key) = names::concept(&id) {
                written.push((key, documents::encode(&place)?));
            }
            self.platform.set_many(written).await?;
        }
        let prepared = self
            .change(&task.user_id, |ledger| {
                let prepared = match ledger.record(&lease.task_id, &task) {
                    Some(record) => rulebook::put_concept(&record, lease, &concept)?,
                    None => None,
                };
                Ok(match prepared {
                    Some(_) => Outcome::Changed(Some(ledger.prepare(&name))),
                    None => Outcome::Unchanged(None),
                })
            })
            .await?;
        let leftover = match &prepared {
            None => Some(document),
            Some(replaced) => replaced
                .as_deref()
                .map(|name| names::end(&lease.task_id, name)),
        };
        self.remove_unreferenced(leftover.as_slice()).await;
        Ok(prepared.map(|_| id))
    }

    pub async fn concept(&self, user_id: &str, id: &str) -> Result<Option<Concept>, Fault> {
        let Some((entry, _)) = self.concept_entry(user_id, id).await? else {
            return Ok(None);
        };
        self.concept_of(&entry).await
    }

    /// Returns the path of its image.
    pub async fn delete_concept(&self, user_id: &str, id: &str) -> Result<Option<String>, Fault> {
        let Some((entry, place)) = self.concept_entry(user_id, id).await? else {
            return Ok(None);
        };
        let Some(concept) = self.concept_of(&entry).await? else {
            return Ok(None);
        };
        let task_id = &place.task_id;
        let deleted = self
            .change_entry(
                user_id,
                place.number,
                |ledger, index| {
                    let entry = ledger.entry_mut(index);
                    match entry.and_then(|entry| entry.delete_concept(task_id)) {
                        Some(document) => Outcome::Changed(Some(document)),
                        None => Outcome::Unchanged(None),
                    }
                },
                |entry| entry.delete_concept(task_id),
            )
            .await?;
        let Some(document) = deleted else {
            return Ok(None);
        };
        let mut leftovers = vec![names::end(task_id, &document)];
        leftovers.extend(names::concept(id));
        self.remove_unreferenced(&leftovers).await;
        Ok(Some(concept.content.image_path))
    }

    /// Finds the entry of the concept with this id, and its place.
    async fn concept_entry(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Entry, ConceptDocument)>, Fault> {
        let place: Option<ConceptDocument> = match names::concept(id) {
            Some(key) => self.document(&key).await?,
            None => None,
        };
        let Some(place) = place.filter(|place| place.user_id == user_id) else {
            return Ok(None);
        };
        let ledger = self.ledger(user_id).await?;
        let entry = self.entry(user_id, &ledger, place.number).await?;
        Ok(entry
            .filter(|entry| entry.task_id == place.task_id)
            .filter(|entry| entry.position_of_concept().is_some())
            .map(|entry| (entry, place)))
    }

    async fn concept_of(&self, entry: &Entry) -> Result<Option<Concept>, Fault> {
        let document = match end_of(entry) {
            Some(key) => self.platform.get(&key).await?,
            None => None,
        };
        let document = document.as_deref().map(documents::decode).transpose()?;
        Ok(document.and_then(|document| concept(entry, document)))
    }
}
