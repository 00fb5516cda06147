//! Changes of a task, or of its entry: each is one swap of its user's record, or of the
//! segment with the entry.

use concept_refinement_domain::rulebook::{Decision, Operation, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;

use crate::concepts::place_of_concept;
use crate::documents::{self, EndDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::{Attempts, Store, Written};
use crate::user_record::Outcome;
use crate::user_record::entries::{Entry, Segment};

impl<P: Platform, M: Machine> Store<P, M> {
    /// Applies an operation to an active task. A final task counts as one that does not exist.
    pub(crate) async fn apply<T: Clone>(&self, operation: Operation<T>) -> Result<T, Fault> {
        self.change_task(&operation.task_id, operation.gone.clone(), |record, now| {
            Ok(operation.decide(record, now))
        })
        .await
    }

    /// Applies a rule to an active task, and saves the change with all its effects. `gone` is
    /// the result if there is no such task, or if it is final.
    pub(crate) async fn change_task<T: Clone>(
        &self,
        id: &str,
        gone: T,
        mut rule: impl FnMut(&mut TaskRecord, Timestamp) -> Result<Decision<T>, Fault>,
    ) -> Result<T, Fault> {
        let Some(document) = self.task_document(id).await? else {
            return Ok(gone);
        };
        self.change_with(&document.user_id, |user_record| {
            let Some(mut record) = user_record.record(id, &document)? else {
                return Ok((Outcome::Unchanged(gone.clone()), Written::default()));
            };
            let Decision { answer, effects } = rule(&mut record, self.machine.now())?;
            let Some(effects) = effects else {
                return Ok((Outcome::Unchanged(answer), Written::default()));
            };
            let name = self.drawn();
            let mut written = Written::default();
            if effects.has_ended {
                let concept = effects.concept.as_ref().map(|concept| &concept.content);
                if concept.is_some() {
                    written.shared.extend(place_of_concept(id, &document));
                }
                let end = EndDocument::new(&record, concept);
                let end = (names::end(id, &name), documents::encode(&end));
                written.own.push(end);
            }
            user_record.save(record, &effects, &name);
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
                if let Some((name, index)) = user_record.segment_of(number) {
                    let segment = names::segment(user_id, name);
                    return Ok(Outcome::Unchanged(Err((segment, index))));
                }
                Ok(match user_record.entry_mut(number).and_then(&mut rule) {
                    Some(answer) => Outcome::Changed(Ok(Some(answer))),
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
