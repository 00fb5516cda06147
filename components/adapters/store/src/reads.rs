//! Reading tasks and concepts for users.

use concept_refinement_domain::capability::{ConceptPage, Page, Position, TaskPage};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::lease::has_missed_deadline;
use concept_refinement_domain::rulebook::Operation;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use crate::documents::{self, Document, EndDocument, TaskDocument};
use crate::names;
use crate::ports::{Documents, Fault, Machine, Platform};
use crate::store::Store;
use crate::user_record::UserRecord;
use crate::user_record::entries::{Entry, Segment, SegmentRef};

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn get(&self, user_id: &str, id: &str) -> Result<Option<Task>, Fault> {
        let found = self.find_now(user_id, id).await?;
        Ok(found.map(|(task, _)| task))
    }

    /// The task and its entry. One that has missed its deadline fails by this, since a platform
    /// has no timers.
    pub(crate) async fn find_now(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Task, Entry)>, Fault> {
        let found = self.find(user_id, id).await?;
        let has_missed = |(task, _): &(Task, _)| has_missed_deadline(task, self.machine.now());
        if !found.as_ref().is_some_and(has_missed) {
            return Ok(found);
        }
        self.apply(Operation::miss_deadline(id)).await?;
        self.find(user_id, id).await
    }

    /// The task and its entry, as stored.
    pub(crate) async fn find(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<(Task, Entry)>, Fault> {
        let Some(document) = self.own_document(user_id, id).await? else {
            return Ok(None);
        };
        let user_record = self.user_record(user_id).await?;
        let entry = self.entry(user_id, &user_record, document.number).await?;
        let Some(entry) = entry.filter(|entry| entry.task_id == id && !entry.task_is_deleted)
        else {
            return Ok(None);
        };
        let end = self.end_document(&entry).await?;
        Ok(Some((document.task(&entry, end.as_ref())?, entry)))
    }

    pub async fn list(
        &self,
        user_id: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, Fault> {
        let user_record = self.user_record(user_id).await?;
        let position = |entry: &Entry| {
            let is_of_status = status.is_none() || entry.status() == status;
            (is_of_status && !entry.task_is_deleted).then(|| entry.position_of_task())
        };
        let newest = |_: &SegmentRef| None;
        let entries = self
            .entries(user_id, &user_record, limit, after, position, newest)
            .await?;
        let tasks = entries
            .iter()
            .filter_map(|(_, entry)| names::task(&entry.task_id));
        let ends = entries.iter().filter_map(|(_, entry)| end_of(entry));
        let mut found = Found::of(&self.platform, tasks.chain(ends).collect()).await?;
        let mut items = Vec::new();
        for (_, entry) in entries.iter().take(limit as usize) {
            // A task that was deleted meanwhile has no document.
            let document: Option<TaskDocument> = found.take(names::task(&entry.task_id))?;
            let Some(document) = document else { continue };
            let end: Option<EndDocument> = found.take(end_of(entry))?;
            let task = document.task(entry, end.as_ref())?;
            match has_missed_deadline(&task, self.machine.now()) {
                true => items.extend(self.get(user_id, &task.id).await?),
                false => items.push(task),
            }
        }
        Ok(page(items, entries, limit))
    }

    pub async fn concepts(
        &self,
        user_id: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, Fault> {
        let user_record = self.user_record(user_id).await?;
        let position = Entry::position_of_concept;
        let newest = |segment: &SegmentRef| segment.last_end;
        let entries = self
            .entries(user_id, &user_record, limit, after, position, newest)
            .await?;
        let keys = entries.iter().filter_map(|(_, entry)| end_of(entry));
        let mut found = Found::of(&self.platform, keys.collect()).await?;
        let mut items = Vec::new();
        for (_, entry) in entries.iter().take(limit as usize) {
            if let Some(end) = found.take(end_of(entry))? {
                items.extend(concept(entry, &end)?);
            }
        }
        Ok(page(items, entries, limit))
    }

    /// The entry with this number, in the record or a segment.
    pub(crate) async fn entry(
        &self,
        user_id: &str,
        user_record: &UserRecord,
        number: usize,
    ) -> Result<Option<Entry>, Fault> {
        let Some((name, index)) = user_record.segment_of(number) else {
            return Ok(user_record.entry(number).cloned());
        };
        let mut segment = self.segment(user_id, name).await?;
        Ok((index < segment.entries.len()).then(|| segment.entries.swap_remove(index)))
    }

    /// The entries after a position, newest first, at most one more than the limit.
    /// `newest`: a time after which nothing in a segment or an older one is listed. None:
    /// all of it is listed after what is in newer segments.
    async fn entries(
        &self,
        user_id: &str,
        user_record: &UserRecord,
        limit: u32,
        after: Option<Position>,
        position: impl Fn(&Entry) -> Option<Position>,
        newest: impl Fn(&SegmentRef) -> Option<Timestamp>,
    ) -> Result<Vec<(Position, Entry)>, Fault> {
        let limit = limit as usize;
        let wanted = |entry: &Entry| {
            let here = position(entry)?;
            let is_after = after
                .as_ref()
                .is_none_or(|after| order(&here) < order(after));
            is_after.then(|| (here, entry.clone()))
        };
        let mut entries: Vec<_> = user_record.newest().filter_map(wanted).collect();
        let mut segments = user_record.segments();
        loop {
            entries.sort_by(|(one, _), (other, _)| order(other).cmp(&order(one)));
            entries.truncate(limit.saturating_add(1));
            let Some(segment) = segments.next() else {
                return Ok(entries);
            };
            if let Some((last, _)) = entries.get(limit)
                && newest(segment).is_none_or(|newest| newest < last.created_at)
            {
                return Ok(entries);
            }
            let segment = self.segment(user_id, &segment.name).await?;
            entries.extend(segment.entries.iter().filter_map(wanted));
        }
    }

    pub(crate) async fn end_document(&self, entry: &Entry) -> Result<Option<EndDocument>, Fault> {
        self.document(end_of(entry)).await
    }

    pub(crate) async fn concept_of(&self, entry: &Entry) -> Result<Option<Concept>, Fault> {
        let end = self.end_document(entry).await?;
        let concept = end.map(|end| concept(entry, &end)).transpose()?;
        Ok(concept.flatten())
    }

    pub(crate) async fn segment(&self, user_id: &str, name: &str) -> Result<Segment, Fault> {
        let record = self.platform.peek(&names::segment(user_id, name)).await?;
        Segment::decode(record.as_deref())
    }
}

/// The concept of an entry that has one.
pub(crate) fn concept(entry: &Entry, end: &EndDocument) -> Result<Option<Concept>, Fault> {
    let Some(position) = entry.position_of_concept() else {
        return Ok(None);
    };
    let content = end.concept()?;
    Ok(content.map(|content| Concept {
        id: position.id,
        created_at: position.created_at,
        content,
    }))
}

/// The key of the document that says how the task ended.
pub(crate) fn end_of(entry: &Entry) -> Option<String> {
    let end = entry.end.as_ref()?;
    Some(names::end(&entry.task_id, &end.document))
}

/// What the list is ordered by.
fn order(position: &Position) -> (Timestamp, &str) {
    (position.created_at, &position.id)
}

/// A page of the existing items. The next page begins after the last entry that was read,
/// even if its item is gone.
fn page<T>(items: Vec<T>, entries: Vec<(Position, Entry)>, limit: u32) -> Page<T> {
    let read = Page::of(entries, limit, |(position, _)| position.clone());
    Page {
        items,
        next: read.next,
    }
}

/// Documents by their keys.
struct Found(Vec<(String, Option<Vec<u8>>)>);

impl Found {
    async fn of(platform: &impl Documents, keys: Vec<String>) -> Result<Self, Fault> {
        let found = platform.get_many(&keys).await?;
        Ok(Self(keys.into_iter().zip(found).collect()))
    }

    fn take<T: Document>(&mut self, key: Option<String>) -> Result<Option<T>, Fault> {
        let found = self
            .0
            .iter_mut()
            .find(|(stored, _)| Some(stored) == key.as_ref());
        let document = found.and_then(|(_, document)| document.take());
        document.as_deref().map(documents::decode).transpose()
    }
}
