//! Creating a task, and taking one back that could not be published.

use concept_refinement_domain::capability::{Fenced, NewTask};
use concept_refinement_domain::quota::QuotaState;
use concept_refinement_domain::task::{Event, Status, next_status};
use concept_refinement_domain::timestamp::Timestamp;

use super::entries::{End, Entry, Segment};
use super::keys::{Earlier, Key};
use super::{Active, Ledger, Outcome};

/// What became of a submission.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    KeyReused,
    /// The same was submitted under this key.
    Replayed(Key),
    OriginalMissing,
    /// The user's active task is the newest entry's.
    Active,
    QuotaExceeded(QuotaState),
    Created(Created),
}

/// What has to be written before the swap.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// Of the new entry.
    pub number: usize,
    /// When the task was created.
    pub at: Timestamp,
    pub moved_keys: Vec<Key>,
    /// A new segment and its name.
    pub moved_entries: Option<(String, Segment)>,
}

impl Ledger {
    /// Judges in the order of the contract. `moved`: the document of the
    /// idempotency key, where there may be one. `name` names a segment.
    pub fn submit(
        &mut self,
        task: &NewTask,
        moved: Option<&Key>,
        name: impl FnOnce() -> String,
        now: Timestamp,
    ) -> Outcome<Judgement> {
        let key = task.idempotency_key.as_deref();
        let earlier = key.and_then(|key| self.earlier(key, &task.refinement, moved, now));
        match earlier {
            Some(Earlier::Different) => return Outcome::Unchanged(Judgement::KeyReused),
            Some(Earlier::Same(key)) => return Outcome::Unchanged(Judgement::Replayed(key)),
            None => {}
        }
        if !task.original_found {
            return Outcome::Unchanged(Judgement::OriginalMissing);
        }
        if self.active.is_some() {
            return Outcome::Unchanged(Judgement::Active);
        }
        if let Some(state) = self.quota_state(task.quota, now)
            && state.remaining == 0
        {
            return Outcome::Unchanged(Judgement::QuotaExceeded(state));
        }
        let at = self.time_of_creation(now);
        self.count(now);
        let moved_keys = match key {
            Some(key) => {
                let path = task.original_path.as_deref();
                let key = Key::new(key, &task.id, task.is_anonymous, path, &task.refinement, at);
                self.remember(key, now)
            }
            None => Vec::new(),
        };
        let moved_entries = self.move_older(name);
        let number = self.next_number();
        self.entries.push(Entry::new(&task.id, at));
        self.active = Some(Active::new());
        Outcome::Changed(Judgement::Created(Created {
            number,
            at,
            moved_keys,
            moved_entries,
        }))
    }

    /// Takes back the pending task: it failed, cost nothing, and its key is
    /// forgotten. `document`: with the reason.
    pub fn withdraw(&mut self, id: &str, document: &str, now: Timestamp) -> Outcome<Fenced> {
        let status = self.active_task(id).map(|active| active.status);
        if status.and_then(|status| next_status(status, Event::Withdraw)) != Some(Status::Failed) {
            return Outcome::Unchanged(Fenced::Lost);
        }
        let checkpoint = self.active.take().and_then(|active| active.checkpoint);
        let at = self.time_of_end(now);
        let Some(entry) = self.entries.last_mut() else {
            return Outcome::Unchanged(Fenced::Lost);
        };
        entry.end = Some(End::failed(document, checkpoint, at));
        let created_at = entry.created_at;
        self.give_back(created_at);
        self.forget_key_of(id);
        Outcome::Changed(Fenced::Done)
    }
}
