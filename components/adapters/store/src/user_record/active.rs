//! The tasks of a user that are pending or processing. Each is in its entry.

use std::time::Duration;

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::rulebook::{Effects, TaskRecord};
use concept_refinement_domain::task::{Stage, Status};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::entries::{End, Entry};
use super::{Outcome, UserRecord};
use crate::documents::{Inner, TaskDocument};
use crate::ports::Fault;

/// The part of a task that changes until it is final: its state, and the values that are
/// not part of that document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Active {
    pub status: Status,
    pub updated_at: Option<Timestamp>,
    pub lease_until: Option<Timestamp>,
    /// How long the lease lasts after each renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Duration>,
    /// The current stage, for watchers. None: none was reported since the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    pub state: Inner,
    #[serde(flatten)]
    other: OtherFields,
}

impl Active {
    pub(super) fn new(record: &TaskRecord) -> Self {
        Self {
            status: record.task.status,
            updated_at: record.task.updated_at,
            lease_until: record.task.lease_until,
            lease: record.lease,
            stage: None,
            state: Inner::state(record),
            other: OtherFields::default(),
        }
    }
}

impl UserRecord {
    /// The entries of the active tasks, the oldest first.
    pub fn active(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.active.is_some())
    }

    /// The task with this id as a record for the rules, if it is active.
    pub fn record(&self, id: &str, document: &TaskDocument) -> Result<Option<TaskRecord>, Fault> {
        let entry = self.active().find(|entry| entry.task_id == id);
        entry.map(|entry| document.record(entry, None)).transpose()
    }

    /// Records a stage of an active task, if this lease holds it.
    pub fn begin_stage(
        &mut self,
        lease: &Lease,
        document: &TaskDocument,
        stage: Stage,
    ) -> Result<Outcome<()>, Fault> {
        let record = self.record(&lease.task_id, document)?;
        let is_held = record.is_some_and(|record| record.is_held_by(lease));
        Ok(match self.active_mut(&lease.task_id) {
            Some(Entry {
                active: Some(active),
                ..
            }) if is_held && active.stage != Some(stage) => {
                active.stage = Some(stage);
                Outcome::Changed(())
            }
            Some(_) | None => Outcome::Unchanged(()),
        })
    }

    /// Saves an active task after a rule was applied. `end`: the name of the document
    /// that says how it ended, if it did.
    pub fn save(&mut self, record: TaskRecord, effects: &Effects, end: &str) {
        let task = &record.task;
        if let Some(refund) = effects.refund {
            self.usage.refund(task.created_at, refund);
        }
        if let Some(now) = task.completed_at {
            self.spending.book(task.created_at, &effects.bookings, now);
        }
        if effects.forgets_key {
            self.forget_key_of(&task.id);
        }
        let end = task.completed_at.map(|now| End {
            status: task.status,
            at: self.time_of_end(now),
            document: end.to_owned(),
            has_concept: task.status == Status::Completed,
            other: OtherFields::default(),
        });
        let Some(entry) = self.active_mut(&task.id) else {
            return;
        };
        match end {
            Some(_) => {
                entry.active = None;
                entry.end = end;
            }
            None => {
                entry.active = entry.active.take().map(|earlier| Active {
                    stage: earlier.stage.filter(|_| !effects.is_announced),
                    other: earlier.other,
                    ..Active::new(&record)
                });
            }
        }
        entry.delivery = record.delivery;
    }

    /// Deletes the active tasks, or only that with this id, as their user would: reservations
    /// are replaced by what is known. The answer: whether there were any.
    pub fn delete_active(
        &mut self,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Outcome<bool>, Fault> {
        let mut is_changed = false;
        for entry in &mut self.entries {
            if id.is_none_or(|id| id == entry.task_id)
                && let Some(active) = &entry.active
            {
                let bookings = active.state.settlement()?;
                self.spending.book(entry.created_at, &bookings, now);
                entry.delete_task();
                is_changed = true;
            }
        }
        Ok(match is_changed {
            true => Outcome::Changed(true),
            false => Outcome::Unchanged(false),
        })
    }

    fn active_mut(&mut self, id: &str) -> Option<&mut Entry> {
        let mut entries = self.entries.iter_mut();
        entries.find(|entry| entry.active.is_some() && entry.task_id == id)
    }
}
