//! What a sweep and whoever tidies up ask.

use std::collections::BTreeMap;
use std::time::Duration;

use concept_refinement_domain::image_path::is_path_of;
use concept_refinement_domain::lease::{CLAIM_REMEMBERED, due_again, furthest_due};
use concept_refinement_domain::refined;
use concept_refinement_domain::rulebook::{
    ImageFacts, concept_has_expired, is_unreferenced, miss_deadline, task_has_expired,
};
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use super::MemoryStore;

fn before(now: Timestamp, time: Duration) -> Timestamp {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Timestamp(now.0.saturating_sub(micros))
}

/// What was removed because of its age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub tasks: u32,
    pub concepts: u32,
    /// The images of the concepts.
    pub image_paths: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub pending: u64,
    pub processing: u64,
    pub completed: u64,
    pub failed: u64,
    /// When the oldest pending task was created.
    pub oldest_pending: Option<Timestamp>,
    /// How many tasks were failed because their workers died too often.
    pub given_up: u64,
    /// What accepted calls of each link cost.
    pub spent: BTreeMap<String, u64>,
}

impl MemoryStore {
    /// The longest overdue first. Each returned task becomes due again later.
    pub fn due(&mut self, limit: u32, now: Timestamp) -> Vec<Task> {
        self.follow_clock(now);
        let rows = self.tasks.values_mut();
        let mut due: Vec<_> = rows
            .filter(|row| row.due_at.is_some_and(|due| due <= now))
            .collect();
        due.sort_by_key(|row| {
            let task = &row.record.task;
            (row.due_at, task.created_at, task.id.clone())
        });
        due.truncate(limit as usize);
        let mut tasks = Vec::new();
        for row in due {
            row.due_at = Some(due_again(&row.record.task, now));
            tasks.push(row.record.task.clone());
        }
        tasks
    }

    fn follow_clock(&mut self, now: Timestamp) {
        for row in self.tasks.values_mut() {
            let lease = row.record.lease.unwrap_or_default();
            let task = &mut row.record.task;
            let (latest_due, latest_end) = (furthest_due(task, lease, now), now.plus(lease));
            if row.due_at.is_some_and(|due| due > latest_due) {
                row.due_at = Some(latest_due);
                task.lease_until = task.lease_until.map(|until| until.min(latest_end));
            }
        }
    }

    /// Fails what nobody has begun by its deadline.
    pub fn miss_deadlines(&mut self, limit: u32, now: Timestamp) -> u32 {
        let passed = self.deadlines.iter().filter(|(_, at)| **at <= now);
        let mut passed: Vec<_> = passed.map(|(id, at)| (*at, id.clone())).collect();
        passed.sort_unstable();
        passed.truncate(limit as usize);
        for (_, id) in &passed {
            self.deadlines.remove(id);
            self.change(id, false, |record| miss_deadline(record, now));
        }
        u32::try_from(passed.len()).unwrap_or(u32::MAX)
    }

    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.values().min().copied()
    }

    /// Draws the users one after another, as claims at this moment would.
    pub fn claim_order(&self, limit: u32, now: Timestamp) -> Vec<String> {
        let tasks = self.tasks.values().map(|row| &row.record.task);
        let pending = tasks.filter(|task| task.status == Status::Pending);
        let mut pending: Vec<_> = pending.collect();
        let forgotten = before(now, CLAIM_REMEMBERED);
        // When each was served: before all that are drawn here, and then in the order of these.
        let mut served: BTreeMap<&str, (usize, Timestamp)> = BTreeMap::new();
        let mut order = Vec::new();
        while order.len() < limit as usize {
            let turn = |task: &Task| {
                let last_claim = self.last_claims.get(&task.user_id).copied();
                let last_claim = last_claim.unwrap_or_default().max(forgotten);
                let user_id = task.user_id.as_str();
                served.get(user_id).copied().unwrap_or((0, last_claim))
            };
            let first = pending
                .iter()
                .copied()
                .min_by_key(|task| (turn(task), task.created_at, &task.user_id, &task.id));
            let Some(first) = first else { break };
            pending.retain(|task| task.id != first.id);
            order.push(first.id.clone());
            served.insert(&first.user_id, (order.len(), now));
        }
        order
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.tasks.values().filter_map(|row| row.due_at).min()
    }

    /// Ends all leases and makes the processing tasks due, and those whose messages are
    /// lost.
    pub fn recover(&mut self, are_messages_lost: bool, now: Timestamp) -> u32 {
        let mut unfinished = 0;
        for row in self.tasks.values_mut() {
            let task = &mut row.record.task;
            task.lease_until = task.lease_until.map(|until| until.min(now));
            if let Some(delivery) = &mut row.record.delivery {
                delivery.recover();
            }
            if row.due_at.is_some() {
                unfinished += 1;
                if are_messages_lost || task.status == Status::Processing {
                    row.due_at = Some(now);
                }
            }
        }
        unfinished
    }

    /// Those of these images that nothing refers to, and nothing ever will.
    pub fn unreferenced(&self, mut image_paths: Vec<String>) -> Vec<String> {
        image_paths.retain(|path| self.is_unreferenced(path));
        image_paths
    }

    pub(super) fn is_unreferenced(&self, path: &str) -> bool {
        let task_id = refined::task_and_attempt(path).map_or("", |(task_id, _)| task_id);
        let mut concepts = self.concepts.values();
        let concept = concepts.find(|concept| concept.content.task_id == task_id);
        let facts = ImageFacts {
            task: self.tasks.get(task_id).map(|row| &row.record.task),
            is_forgotten: self.forgotten.contains(task_id),
            concept_image: concept.map(|concept| concept.content.image_path.as_str()),
            is_original: self.is_original(path),
        };
        is_unreferenced(path, facts)
    }

    /// Forgets tasks that ended and concepts that were made before then, at
    /// most so many of each, the oldest first.
    pub fn expire(&mut self, before: Timestamp, limit: u32) -> Expired {
        let mut concepts: Vec<_> = self
            .all_concepts()
            .filter(|concept| {
                let is_original = self.is_original(&concept.content.image_path);
                concept_has_expired(concept.created_at, is_original, before)
            })
            .cloned()
            .collect();
        concepts.sort_by_key(|concept| concept.created_at);
        concepts.truncate(limit as usize);
        let mut tasks: Vec<_> = self.tasks.values().map(|row| &row.record.task).collect();
        tasks.retain(|task| task_has_expired(task, before));
        tasks.sort_by_key(|task| task.completed_at);
        tasks.truncate(limit as usize);
        let tasks: Vec<_> = tasks.into_iter().map(|task| task.id.clone()).collect();
        for id in &tasks {
            self.tasks.remove(id);
            self.forgotten.insert(id.clone());
        }
        for concept in &concepts {
            self.remove_concept(concept);
        }
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Expired {
            tasks: count(tasks.len()),
            concepts: count(concepts.len()),
            image_paths: concepts
                .into_iter()
                .map(|concept| concept.content.image_path)
                .collect(),
        }
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            given_up: self.given_up,
            spent: self.spent(),
            ..Tally::default()
        };
        for row in self.tasks.values() {
            let task = &row.record.task;
            match task.status {
                Status::Pending => {
                    tally.pending += 1;
                    let oldest = tally.oldest_pending.unwrap_or(task.created_at);
                    tally.oldest_pending = Some(oldest.min(task.created_at));
                }
                Status::Processing => tally.processing += 1,
                Status::Completed => tally.completed += 1,
                Status::Failed => tally.failed += 1,
            }
        }
        tally
    }

    /// Whether it is the original or the mask of a task that is not final.
    fn is_original(&self, path: &str) -> bool {
        let mut tasks = self.tasks.values().map(|row| &row.record.task);
        tasks.any(|task| {
            let mut images = [&task.original_path, &task.mask_path].into_iter().flatten();
            !task.status.is_final() && images.any(|image| is_path_of(path, image))
        })
    }
}
