//! A user's record: everything that has to change together.
//!
//! Quota, the active task with its lease, recent idempotency keys, recent tasks and the
//! slots of uploads are in one record, so that each step of a task is a single swap. The
//! domain's rulebook decides what a step may do; the functions here are pure, and only
//! load and save the data. Unbounded data is moved to segments and documents; see
//! [`entries`] and [`keys`].

pub mod entries;
mod erasure;
pub mod keys;
pub mod submit;
pub mod uploads;

#[cfg(test)]
mod tests;

use std::time::Duration;

use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::{Usage, Window};
use concept_refinement_domain::rulebook::{Event, TaskRecord};
use concept_refinement_domain::step::Steps;
use concept_refinement_domain::task::{Stage, Status};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::documents::TaskDocument;
use crate::ports::Fault;
use entries::{End, Entry};
use keys::Key;
use uploads::Upload;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Counts the swaps, so that no two versions of a record are equal.
    version: u64,
    usage: Usage,
    /// The active task; its entry is the newest one.
    active: Option<Active>,
    /// Oldest first.
    keys: Vec<Key>,
    /// When the last of the keys that were moved to documents expires.
    keys_moved_until: Option<Timestamp>,
    /// The names of the segments with older entries, oldest first; each has
    /// `entries::SEGMENT` entries.
    segments: Vec<String>,
    /// The newest entries, oldest first.
    entries: Vec<Entry>,
    uploads: Vec<Upload>,
}

/// The part of a task that changes until it is final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Active {
    pub status: Status,
    /// The attempt of the last claim.
    pub attempt: u32,
    pub deaths: u32,
    pub updated_at: Option<Timestamp>,
    pub lease_until: Option<Timestamp>,
    /// How long the lease lasts after each renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Duration>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub payment: Payment,
    /// The current stage, for watchers. None: none was reported since the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

/// Whether the record was changed and has to be swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T> {
    Changed(T),
    Unchanged(T),
}

impl UserRecord {
    pub fn decode(record: Option<&[u8]>) -> Result<Self, Fault> {
        match record {
            None => Ok(Self::default()),
            Some(bytes) => serde_json::from_slice(bytes)
                .map_err(|_| Fault::Invalid("The record of a user cannot be read.")),
        }
    }

    /// The encoded record.
    pub fn encode(mut self) -> Result<Vec<u8>, Fault> {
        self.version = self.version.saturating_add(1);
        serde_json::to_vec(&self).map_err(|_| Fault::Invalid("A record cannot be written."))
    }

    /// How many tasks the user has created in the current window.
    pub fn used(&self, window: Window, now: Timestamp) -> u32 {
        self.usage.used(window, now)
    }

    /// The active task and its id.
    pub fn active(&self) -> Option<(&Active, &Entry)> {
        self.active.as_ref().zip(self.entries.last())
    }

    /// The active task, if it has this id.
    pub fn active_task(&self, id: &str) -> Option<&Active> {
        self.active()
            .filter(|(_, entry)| entry.task_id == id)
            .map(|(active, _)| active)
    }

    /// The active task as a record for the rules, if it has this id.
    pub fn record(&self, id: &str, document: &TaskDocument) -> Option<TaskRecord> {
        let (active, entry) = self.active().filter(|(_, entry)| entry.task_id == id)?;
        Some(TaskRecord {
            task: document.clone().task(entry, Some(active), None),
            lease: active.lease,
            attempt: active.attempt,
            deaths: active.deaths,
            revision: 0,
            payment: active.payment.clone(),
            delivery: entry.delivery.clone(),
            // There are no operators on a stock platform.
            retry_of: None,
            trace: None,
            steps: Steps::default(),
        })
    }

    /// Records a stage of the active task, if this attempt holds it.
    pub fn begin_stage(&mut self, id: &str, attempt: u32, stage: Stage) -> Outcome<()> {
        let is_news = self.active_task(id).is_some_and(|active| {
            let is_held = active.status == Status::Processing && active.attempt == attempt;
            is_held && active.stage != Some(stage)
        });
        match &mut self.active {
            Some(active) if is_news => {
                active.stage = Some(stage);
                Outcome::Changed(())
            }
            Some(_) | None => Outcome::Unchanged(()),
        }
    }

    /// Saves the active task after a rule was applied. `end`: the name of the document
    /// that says how it ended, if it did.
    pub fn save(&mut self, record: TaskRecord, event: Event, end: &str) {
        let task = &record.task;
        if let Some(refund) = record.refund(event) {
            self.usage.refund(task.created_at, refund);
        }
        if event.undoes_submission() {
            self.forget_key_of(&task.id);
        }
        let Some(now) = task.completed_at else {
            let stage = self.active.as_ref().and_then(|active| active.stage);
            self.active = Some(Active {
                stage: stage.filter(|_| matches!(event, Event::Renew | Event::Pay)),
                status: task.status,
                attempt: record.attempt,
                deaths: record.deaths,
                payment: record.payment,
                updated_at: task.updated_at,
                lease_until: task.lease_until,
                lease: record.lease,
            });
            return;
        };
        self.active = None;
        let end = End {
            status: task.status,
            at: self.time_of_end(now),
            document: end.to_owned(),
            has_concept: task.status == Status::Completed,
        };
        if let Some(entry) = self.entries.last_mut() {
            entry.end = Some(end);
        }
    }
}

fn is_default(payment: &Payment) -> bool {
    *payment == Payment::default()
}
