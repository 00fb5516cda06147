//! Changes of a task, or of its entry: each is one swap of its user's record, or of the
//! segment with the entry.

use concept_refinement_domain::concept::ConceptContent;
use concept_refinement_domain::rulebook::{Decision, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;

use crate::concepts::place_of_concept;
use crate::documents::{self, EndDocument, TaskDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::{Attempts, Store, Written};
use crate::user_record::Outcome;
use crate::user_record::entries::{Entry, Location, Segment};

impl<P: Platform, M: Machine> Store<P, M> {
    /// Applies a rule to an active task, and saves the change with all its side effects.
    /// `gone` is the result if there is no such task, or if it is final.
    pub(crate) async fn change_task<T: Clone>(
        &self,
        id: &str,
        gone: T,
        rule: impl FnMut(&mut TaskRecord, Timestamp) -> Result<Decision<T>, Fault>,
    ) -> Result<T, Fault> {
        match self.task_document(id).await? {
            Some(document) => {
                self.change_ending(id, &document, gone, rule, |_| None)
                    .await
            }
            None => Ok(gone),
        }
    }

    /// The same, with the concept that completes the task, if it does.
    pub(crate) async fn change_ending<T: Clone>(
        &self,
        id: &str,
        document: &TaskDocument,
        gone: T,
        mut rule: impl FnMut(&mut TaskRecord, Timestamp) -> Result<Decision<T>, Fault>,
        concept: impl Fn(&T) -> Option<&ConceptContent>,
    ) -> Result<T, Fault> {
        self.change_with(&document.user_id, |user_record| {
            let Some(mut record) = user_record.record(id, document)? else {
                return Ok((Outcome::Unchanged(gone.clone()), Written::default()));
            };
            let Decision { answer, event } = rule(&mut record, self.machine.now())?;
            let Some(event) = event else {
                return Ok((Outcome::Unchanged(answer), Written::default()));
            };
            let name = self.drawn();
            let mut written = Written::default();
            if record.task.status.is_final() {
                let concept = concept(&answer);
                if concept.is_some() {
                    written.shared.extend(place_of_concept(id, document));
                }
                let end = EndDocument::new(&record, concept);
                let end = (names::end(id, &name), documents::encode(&end));
                written.own.push(end);
            }
            user_record.save(record, event, &name);
            Ok((Outcome::Changed(answer), written))
        })
        .await
    }

    /// Changes the entry of a task, in its user's record or in a segment. None: nothing
    /// changed.
    pub(crate) async fn change_entry<T>(
        &self,
        user_id: &str,
        number: usize,
        task_id: &str,
        mut rule: impl FnMut(&mut Entry) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut rule = |entry: &mut Entry| {
            let is_it = entry.task_id == task_id;
            is_it.then(|| rule(entry)).flatten()
        };
        let changed = self
            .change(user_id, |user_record| {
                Ok(match user_record.location(number) {
                    Some(Location::Record(index)) => {
                        match user_record.change_entry(index, &mut rule) {
                            Some(answer) => Outcome::Changed(Ok(Some(answer))),
                            None => Outcome::Unchanged(Ok(None)),
                        }
                    }
                    Some(Location::Segment(name, index)) => {
                        let segment = names::segment(user_id, name);
                        Outcome::Unchanged(Err((segment, index)))
                    }
                    None => Outcome::Unchanged(Ok(None)),
                })
            })
            .await?;
        match changed {
            Ok(answer) => Ok(answer),
            Err((segment, index)) => self.change_segment(&segment, index, rule).await,
        }
    }

    /// Changes an entry in a segment.
    async fn change_segment<T>(
        &self,
        key: &str,
        index: usize,
        mut rule: impl FnMut(&mut Entry) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut attempts = Attempts::default();
        loop {
            let (record, held) = self.platform.read(key).await?;
            let mut segment = Segment::decode(record.as_deref())?;
            let Some(answer) = segment.entries.get_mut(index).and_then(&mut rule) else {
                return Ok(None);
            };
            if self.platform.swap(held, segment.encode()).await? {
                return Ok(Some(answer));
            }
            attempts.pause(&self.machine).await?;
        }
    }
}
