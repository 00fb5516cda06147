//! Who may have a task.

use std::time::Duration;

use concept_refinement_domain::capability::{Accepted, Fenced, NewTask, Submission};
use concept_refinement_domain::quota::QuotaState;
use concept_refinement_domain::task::{Refinement, Status};
use concept_refinement_domain::timestamp::Timestamp;

use super::{Expected, Invariant, Oracle};
use crate::scheduler::OUTSIDE;

const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// What was submitted under a key.
pub struct Earlier {
    task_id: String,
    refinement: Refinement,
    webhook_url: Option<String>,
    created_at: Timestamp,
}

impl Oracle {
    pub fn submitted(&mut self, new: &NewTask, answer: &Submission, now: Timestamp) {
        let user = new.user_id.as_str();
        let earlier = self.earlier(new, now);
        let active = self
            .tasks
            .iter()
            .find(|(_, task)| task.user == user && task.is_active())
            .map(|(id, _)| id.clone());
        match answer {
            Submission::Created(accepted) => {
                self.require(earlier.is_none(), Invariant::OneTaskAKey, || {
                    format!(
                        "{user} was given a second task under the key {:?}",
                        new.idempotency_key
                    )
                });
                self.require(active.is_none(), Invariant::OneActiveTask, || {
                    format!("{user} was given a task beside the active {active:?}")
                });
                self.require(new.images_found, Invariant::Answers, || {
                    format!("{user} was given a task without an original")
                });
                let used = self.used(user, now);
                let quota = self.quota;
                self.require(
                    quota.is_none_or(|quota| used < quota.limit),
                    Invariant::ExactQuota,
                    || format!("{user} was given a task after {used} of {quota:?}"),
                );
                self.judged(user, true, now);
                self.created(new, accepted, now);
            }
            Submission::BudgetExceeded(overspent) => {
                self.require(earlier.is_none(), Invariant::OneTaskAKey, || {
                    format!("{user} was not answered {earlier:?} again")
                });
                self.judged(user, false, now);
                self.check_quota(user, overspent.quota, now);
            }
            Submission::Replayed(accepted) => {
                let expected = earlier.map(|(id, _)| id);
                self.require(
                    expected.as_ref() == Some(&accepted.task.id),
                    Invariant::OneTaskAKey,
                    || {
                        format!(
                            "{user} was answered {} in place of {expected:?}",
                            accepted.task.id
                        )
                    },
                );
                self.check_quota(user, accepted.quota, now);
            }
            Submission::Active(accepted) => {
                self.require(earlier.is_none(), Invariant::OneTaskAKey, || {
                    format!("{user} was not answered {earlier:?} again")
                });
                self.require(
                    active.as_ref() == Some(&accepted.task.id),
                    Invariant::OneActiveTask,
                    || {
                        format!(
                            "{user} was told of {} in place of {active:?}",
                            accepted.task.id
                        )
                    },
                );
                self.check_quota(user, accepted.quota, now);
            }
            Submission::QuotaExceeded(state) => {
                self.require(earlier.is_none(), Invariant::OneTaskAKey, || {
                    format!("{user} was not answered {earlier:?} again")
                });
                self.require(
                    active.is_none() && state.remaining == 0,
                    Invariant::ExactQuota,
                    || format!("{user} was refused: {state:?}"),
                );
                self.check_quota(user, Some(*state), now);
            }
            Submission::KeyReused => {
                let differs = earlier.is_some_and(|(_, same)| !same);
                self.require(differs, Invariant::OneTaskAKey, || {
                    format!("{user} was told that a key was used for something else")
                });
            }
            Submission::ImageMissing => {
                let is_missing = earlier.is_none() && !new.images_found;
                self.require(is_missing, Invariant::Answers, || {
                    format!("{user} was told that an original is missing")
                });
            }
            Submission::BacklogFull(_) => {
                self.require(false, Invariant::Answers, || {
                    format!("{user} got {answer:?}")
                });
            }
        }
    }

    fn earlier(&self, new: &NewTask, now: Timestamp) -> Option<(String, bool)> {
        let key = (new.user_id.clone(), new.idempotency_key.clone()?);
        let earlier = self.keys.get(&key)?;
        let same = earlier.refinement == new.refinement && earlier.webhook_url == url(new);
        (now.since(earlier.created_at) < REMEMBERED).then(|| (earlier.task_id.clone(), same))
    }

    fn created(&mut self, new: &NewTask, accepted: &Accepted, now: Timestamp) {
        let user = new.user_id.clone();
        let deadline = new.refinement.deadline_seconds;
        let known = Expected {
            user: user.clone(),
            status: Status::Pending,
            created_at: now,
            deadline: deadline.map(|seconds| now.plus(Duration::from_secs(seconds.into()))),
            completed_at: Timestamp::default(),
            original: new.original_path.clone(),
            is_deleted: false,
            attempt: 0,
            lease_until: Timestamp::default(),
            deaths: 0,
            images: Default::default(),
            concept: None,
            is_concept_deleted: false,
            is_concept_unwanted: false,
            holder: OUTSIDE,
            mishaps: 0,
            asked: 0,
            put_off: 0,
            asked_by_attempt: 0,
            may_not_ask: false,
            calls: 0,
            is_named: false,
            made: 0,
            delivery: new.webhook.as_ref().map(|_| Default::default()),
        };
        let is_new = self.tasks.insert(new.id.clone(), known).is_none();
        self.require(is_new, Invariant::OneActiveTask, || {
            format!("{} was created twice", new.id)
        });
        if let Some(key) = new.idempotency_key.clone() {
            let earlier = Earlier {
                task_id: new.id.clone(),
                refinement: new.refinement.clone(),
                webhook_url: url(new),
                created_at: now,
            };
            self.keys.insert((user.clone(), key), earlier);
        }
        if let Some(window) = self.window_of(now) {
            *self.used.entry((user.clone(), window)).or_default() += 1;
        }
        self.check_quota(&user, accepted.quota, now);
    }

    pub fn withdrawn(&mut self, id: &str, answer: Fenced, now: Timestamp) {
        let Some(task) = self.task(id).filter(|task| task.status == Status::Pending) else {
            self.require(answer == Fenced::Lost, Invariant::OneFinalState, || {
                format!("{id} was taken back although it was not pending")
            });
            return;
        };
        task.end(Status::Failed, now);
        let (user, created_at) = (task.user.clone(), task.created_at);
        self.require(answer == Fenced::Done, Invariant::NothingLost, || {
            format!("{id} is pending and was not taken back")
        });
        self.keys.retain(|_, earlier| earlier.task_id != id);
        self.give_back(user, created_at);
    }

    /// A task failed. If it cost nothing it is given back, at most as often in a window as
    /// the quota allows tasks.
    pub(super) fn refund(&mut self, id: &str) {
        let (Some(task), Some(quota)) = (self.tasks.get(id), self.quota) else {
            return;
        };
        let (user, created_at) = (task.user.clone(), task.created_at);
        let window = quota.window.start(created_at);
        let refunds = self.refunds.entry((user.clone(), window)).or_default();
        if task.calls == 0 && *refunds < quota.limit {
            *refunds += 1;
            self.give_back(user, created_at);
        }
    }

    fn give_back(&mut self, user: String, created_at: Timestamp) {
        let used = self
            .window_of(created_at)
            .and_then(|window| self.used.get_mut(&(user, window)));
        if let Some(used) = used {
            *used -= 1;
        }
    }

    fn window_of(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.quota?.window.start(now))
    }

    fn used(&self, user: &str, now: Timestamp) -> u32 {
        self.window_of(now)
            .and_then(|window| self.used.get(&(user.to_owned(), window)))
            .copied()
            .unwrap_or(0)
    }

    fn check_quota(&mut self, user: &str, told: Option<QuotaState>, now: Timestamp) {
        let used = self.used(user, now);
        let expected = self.quota.map(|quota| quota.limit.saturating_sub(used));
        let told = told.map(|state| state.remaining);
        self.require(told == expected, Invariant::ExactQuota, || {
            format!("{user} was told of {told:?} left in place of {expected:?}")
        });
    }
}

fn url(new: &NewTask) -> Option<String> {
    new.webhook.as_ref().map(|webhook| webhook.url.clone())
}
