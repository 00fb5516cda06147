//! Reading tasks and concepts for users.

use concept_refinement_domain::capability::{ConceptPage, Page, Position, TaskPage};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::{Stage, Status, Task};

use crate::documents::{self, EndDocument, TaskDocument};
use crate::names;
use crate::ports::{Documents, Fault, Machine, Platform};
use crate::store::Store;
use crate::user_record::UserRecord;
use crate::user_record::entries::{Entry, Location, Segment};

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn get(&self, user_id: &str, id: &str) -> Result<Option<Task>, Fault> {
        let found = self.find(user_id, id).await?;
        Ok(found.map(|(task, _)| task))
    }

    /// The task, and whether an attempt to deliver its webhook is due.
    pub async fn get_with_due(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Task, bool)>, Fault> {
        let found = self.find_with_entry(user_id, id).await?;
        Ok(found.map(|(task, _, entry)| {
            let is_due = entry.is_due(&task, self.machine.now());
            (task, is_due)
        }))
    }

    /// The task and its current stage.
    pub(crate) async fn find(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Task, Option<Stage>)>, Fault> {
        let found = self.find_with_entry(user_id, id).await?;
        Ok(found.map(|(task, stage, _)| (task, stage)))
    }

    /// The same, with the task's entry.
    pub(crate) async fn find_with_entry(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Task, Option<Stage>, Entry)>, Fault> {
        let Some(document) = self.own_document(user_id, id).await? else {
            return Ok(None);
        };
        let user_record = self.user_record(user_id).await?;
        let entry = self.entry(user_id, &user_record, document.number).await?;
        let Some(entry) = entry.filter(|entry| entry.task_id == id && !entry.task_is_deleted)
        else {
            return Ok(None);
        };
        let end = match end_of(&entry) {
            Some(key) => self.document::<EndDocument>(&key).await?,
            None => None,
        };
        let active = user_record.active_task(id);
        let stage = active.and_then(|active| active.stage);
        Ok(Some((document.task(&entry, active, end), stage, entry)))
    }

    pub async fn list(
        &self,
        user_id: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, Fault> {
        let user_record = self.user_record(user_id).await?;
        let is_listed = |entry: &Entry| {
            let is_of_status = status.is_none_or(|status| match &entry.end {
                Some(end) => end.status == status,
                None => user_record
                    .active_task(&entry.task_id)
                    .is_some_and(|active| active.status == status),
            });
            (is_of_status && !entry.task_is_deleted).then(|| entry.position_of_task())
        };
        let entries = self
            .entries(user_id, &user_record, limit, after, is_listed)
            .await?;
        let tasks = entries
            .iter()
            .filter_map(|entry| names::task(&entry.task_id));
        let ends = entries.iter().filter_map(end_of);
        let keys: Vec<_> = tasks.chain(ends).collect();
        let mut found = Found::of(&self.platform, keys).await?;
        let mut items = Vec::new();
        for entry in entries.iter().take(limit as usize) {
            // A task that was deleted meanwhile has no document.
            let document = names::task(&entry.task_id).and_then(|key| found.take(&key));
            let Some(document) = document else { continue };
            let document: TaskDocument = documents::decode(&document)?;
            let end = end_of(entry).and_then(|key| found.take(&key));
            let end = end.as_deref().map(documents::decode).transpose()?;
            items.push(document.task(entry, user_record.active_task(&entry.task_id), end));
        }
        Ok(page(items, &entries, limit, |entry| {
            Some(entry.position_of_task())
        }))
    }

    pub async fn concepts(
        &self,
        user_id: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, Fault> {
        let user_record = self.user_record(user_id).await?;
        let entries = self
            .entries(
                user_id,
                &user_record,
                limit,
                after,
                Entry::position_of_concept,
            )
            .await?;
        let keys = entries.iter().filter_map(end_of).collect();
        let mut found = Found::of(&self.platform, keys).await?;
        let mut items = Vec::new();
        for entry in entries.iter().take(limit as usize) {
            let document = end_of(entry).and_then(|key| found.take(&key));
            if let Some(document) = document {
                items.extend(concept(entry, documents::decode(&document)?));
            }
        }
        Ok(page(items, &entries, limit, Entry::position_of_concept))
    }

    /// The entry with this number, in the record or a segment.
    pub(crate) async fn entry(
        &self,
        user_id: &str,
        user_record: &UserRecord,
        number: usize,
    ) -> Result<Option<Entry>, Fault> {
        match user_record.location(number) {
            Some(Location::Record(index)) => Ok(user_record.entry(index).cloned()),
            Some(Location::Segment(name, index)) => {
                let mut segment = self.segment(user_id, name).await?;
                Ok((index < segment.entries.len()).then(|| segment.entries.swap_remove(index)))
            }
            None => Ok(None),
        }
    }

    /// The entries after a position, newest first, at most one more than the limit.
    async fn entries(
        &self,
        user_id: &str,
        user_record: &UserRecord,
        limit: u32,
        after: Option<Position>,
        position: impl Fn(&Entry) -> Option<Position>,
    ) -> Result<Vec<Entry>, Fault> {
        let wanted = (limit as usize).saturating_add(1);
        let is_wanted = |entry: &&Entry| {
            let Some(here) = position(entry) else {
                return false;
            };
            after
                .as_ref()
                .is_none_or(|after| (here.created_at, &here.id) < (after.created_at, &after.id))
        };
        let mut entries: Vec<_> = user_record.newest().filter(is_wanted).cloned().collect();
        entries.truncate(wanted);
        for name in user_record.segments() {
            if entries.len() >= wanted {
                break;
            }
            let segment = self.segment(user_id, name).await?;
            let missing = wanted.saturating_sub(entries.len());
            let older = segment.entries.iter().rev().filter(is_wanted);
            entries.extend(older.take(missing).cloned());
        }
        Ok(entries)
    }

    pub(crate) async fn segment(&self, user_id: &str, name: &str) -> Result<Segment, Fault> {
        let record = self.platform.peek(&names::segment(user_id, name)).await?;
        Segment::decode(record.as_deref())
    }
}

/// The concept of an entry that has one.
pub(crate) fn concept(entry: &Entry, document: EndDocument) -> Option<Concept> {
    let position = entry.position_of_concept()?;
    match document {
        EndDocument::Concept(content) => Some(Concept {
            id: position.id,
            created_at: position.created_at,
            content: *content,
        }),
        EndDocument::ErrorMessage(_) => None,
    }
}

/// The key of the document that says how the task ended.
pub(crate) fn end_of(entry: &Entry) -> Option<String> {
    let end = entry.end.as_ref()?;
    let has_document = end.status == Status::Failed || end.has_concept;
    has_document.then(|| names::end(&entry.task_id, &end.document))
}

/// A page of the existing items. The next page begins after the last entry that was read,
/// even if its item is gone.
fn page<T>(
    items: Vec<T>,
    entries: &[Entry],
    limit: u32,
    position: impl Fn(&Entry) -> Option<Position>,
) -> Page<T> {
    let limit = limit as usize;
    let next = (entries.len() > limit)
        .then(|| limit.checked_sub(1).and_then(|last| entries.get(last)))
        .flatten()
        .and_then(position);
    Page { items, next }
}

/// Documents by their keys.
struct Found(Vec<(String, Option<Vec<u8>>)>);

impl Found {
    async fn of(platform: &impl Documents, keys: Vec<String>) -> Result<Self, Fault> {
        let found = platform.get_many(&keys).await?;
        Ok(Self(keys.into_iter().zip(found).collect()))
    }

    fn take(&mut self, key: &str) -> Option<Vec<u8>> {
        let (_, document) = self.0.iter_mut().find(|(stored, _)| stored == key)?;
        document.take()
    }
}
