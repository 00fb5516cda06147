//! Erases a user, from the newest entry to the oldest, so that the numbers of the
//! remaining entries stay correct.
//!
//! The documents of an entry are deleted before the swap that removes the entry: after a
//! crash in between, a repeat finds the entry and deletes the rest. The record itself
//! stays, because a platform cannot delete it safely, and with it the counts of the
//! quota. Idempotency keys that were moved to documents stay too, since documents cannot
//! be listed.

use concept_refinement_domain::capability::Erased;
use concept_refinement_domain::concept::id_for;

use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::reads::end_of;
use crate::store::{Attempts, Store};
use crate::user_record::entries::{Entry, Segment};

impl<P: Platform, M: Machine> Store<P, M> {
    /// Erases tasks and concepts with their images, until they are at least `limit`.
    pub async fn erase_user(&self, user_id: &str, limit: u32) -> Result<Erased, Fault> {
        let mut attempts = Attempts::default();
        let mut erased = 0;
        while erased < limit as usize {
            // This comes before anything is deleted, so that the task's worker can
            // write nothing more.
            self.change(user_id, |user_record| {
                user_record.delete_active(None, self.machine.now())
            })
            .await?;
            let (mut user_record, held) = self.held(user_id).await?;
            if user_record.is_erased() {
                return Ok(Erased::default());
            }
            if user_record.active().next().is_none() {
                let number = match user_record.newest_segment() {
                    Some(name) => self.erase_segment(user_id, name).await?,
                    None => {
                        let entries: Vec<_> = user_record.newest().cloned().collect();
                        self.erase_entries(user_id, &entries).await?;
                        entries.len()
                    }
                };
                user_record.remove_newest();
                if self.platform.swap(held, user_record.encode()).await? {
                    erased = erased.saturating_add(number.max(1));
                    continue;
                }
            }
            // A task was submitted meanwhile.
            attempts.pause(&self.machine).await?;
        }
        Ok(Erased {
            image_paths: Vec::new(),
            has_more: true,
        })
    }

    /// Deletes the documents of entries, and the images of their concepts.
    async fn erase_entries(&self, user_id: &str, entries: &[Entry]) -> Result<(), Fault> {
        for entry in entries {
            let task_id = &entry.task_id;
            let mut documents = Vec::new();
            if let Some(concept) = self.concept_of(entry).await? {
                self.delete_image(&concept.content.image_path).await?;
                documents.extend(self.key_of_image(&concept).await?);
            }
            documents.extend(end_of(entry));
            // Another user may have a task of this id, if this one was deleted long ago.
            let concept = id_for(task_id);
            let place = self.place_of_concept(&concept).await?;
            if place.is_some_and(|place| place.user_id == user_id) {
                documents.extend(names::concept(&concept));
            }
            if self.own_document(user_id, task_id).await?.is_some() {
                documents.extend(names::task(task_id));
            }
            if !documents.is_empty() {
                self.platform.delete_many(&documents).await?;
            }
        }
        Ok(())
    }

    /// Erases what a segment lists, and returns how many entries it had. The record stays
    /// without contents.
    async fn erase_segment(&self, user_id: &str, name: &str) -> Result<usize, Fault> {
        let mut attempts = Attempts::default();
        loop {
            let (record, held) = self.platform.read(&names::segment(user_id, name)).await?;
            let mut segment = Segment::decode(record.as_deref())?;
            if segment.entries.is_empty() {
                return Ok(0);
            }
            let entries = std::mem::take(&mut segment.entries);
            self.erase_entries(user_id, &entries).await?;
            if self.platform.swap(held, segment.encode()).await? {
                return Ok(entries.len());
            }
            attempts.pause(&self.machine).await?;
        }
    }
}
