//! Who tells a receiver that a task has ended, when, and what came of it.

use std::time::Duration;

use concept_refinement_domain::capability::Fenced;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryLease, DeliveryOutcome, DeliveryState, DueDelivery, Redelivery,
    WebhookDelivery,
};

use super::{Expected, Invariant, Oracle};

/// From the end of an attempt to the next one, in seconds.
const WAITS: [u64; 7] = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

/// The delivery of a task's webhook as it has to be.
pub struct Delivery {
    pub state: DeliveryState,
    /// What each attempt was answered.
    attempts: Vec<Option<u16>>,
    /// The earliest and the latest beginning of the next attempt.
    next: (Timestamp, Timestamp),
    waits: usize,
    token: u32,
    /// While an attempt is under way.
    lease_until: Option<Timestamp>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            next: <_>::default(),
            waits: 0,
            token: 0,
            lease_until: None,
        }
    }
}

impl Delivery {
    /// Whether somebody may begin an attempt.
    fn is_due(&self, now: Timestamp) -> bool {
        let from = self.lease_until.unwrap_or(self.next.0);
        self.state == DeliveryState::Pending && from <= now
    }

    /// Whether it has come to its end, or waits for its time.
    fn rests(&self, now: Timestamp) -> bool {
        let waits = self.lease_until.is_none() && self.next.0 > now;
        self.state != DeliveryState::Pending || waits
    }

    fn ended(&mut self, answer: &DeliveryAnswer, now: Timestamp) {
        let (status, retry_after) = match answer {
            DeliveryAnswer::Status { code, retry_after } => (Some(*code), *retry_after),
            DeliveryAnswer::None(_) => (None, None),
        };
        self.attempts.push(status);
        self.lease_until = None;
        let wait = WAITS.get(self.waits).map(|wait| Duration::from_secs(*wait));
        self.waits += 1;
        self.state = match (status, wait) {
            (Some(200..=299), _) => DeliveryState::Delivered,
            (Some(410), _) | (_, None) => DeliveryState::Failed,
            (_, Some(wait)) => {
                let retry_after = retry_after.unwrap_or_default();
                let next = |wait: Duration| now.plus(wait.max(retry_after));
                self.next = (next(wait), next(wait.mul_f64(1.1)));
                DeliveryState::Pending
            }
        };
    }
}

impl Expected {
    /// While its task is there.
    fn delivery(&mut self) -> Option<&mut Delivery> {
        self.delivery.as_mut().filter(|_| !self.is_deleted)
    }
}

impl Oracle {
    /// Somebody is to make these attempts. Answers the tasks that it has to do with.
    pub fn deliveries_claimed(&mut self, answer: &[DueDelivery], now: Timestamp) -> Vec<String> {
        for due in answer {
            let id = &due.lease.task_id;
            let task = self.tasks.get_mut(id);
            let is_final = task.as_ref().is_some_and(|task| task.status.is_final());
            let delivery = task.and_then(Expected::delivery);
            let is_due = delivery.as_ref().is_some_and(|it| it.is_due(now));
            let token = delivery.map(|delivery| {
                delivery.token += 1;
                delivery.lease_until = Some(due.lease.until);
                delivery.token
            });
            self.require(is_final && is_due, Invariant::Deliveries, || {
                format!("a delivery of {id} begins that is not due at {now}")
            });
            let is_newest = token == Some(due.lease.token);
            self.require(is_newest, Invariant::Deliveries, || {
                format!("a delivery of {id} has the token {}", due.lease.token)
            });
        }
        answer.iter().map(|due| due.lease.task_id.clone()).collect()
    }

    /// A receiver is told of this task.
    pub fn notified(&mut self, task: &Task) {
        let known = self.tasks.get(&task.id).map(|task| task.status);
        let holds = known == Some(task.status) && task.status.is_final();
        self.require(holds, Invariant::Deliveries, || {
            format!("{} is told as {:?}, not {known:?}", task.id, task.status)
        });
    }

    pub fn attempt_recorded(
        &mut self,
        lease: &DeliveryLease,
        outcome: &DeliveryOutcome,
        answer: Fenced,
        now: Timestamp,
    ) {
        let task = self.tasks.get_mut(&lease.task_id);
        let delivery = task.and_then(Expected::delivery);
        let held = delivery.filter(|it| it.token == lease.token && it.lease_until.is_some());
        let is_held = held.is_some();
        if let Some(delivery) = held {
            delivery.ended(&outcome.answer, now);
        }
        self.require(
            (answer == Fenced::Done) == is_held,
            Invariant::Deliveries,
            || format!("an attempt of {} was recorded: {answer:?}", lease.task_id),
        );
    }

    /// One attempt more is asked for.
    pub fn redelivered(&mut self, user: &str, id: &str, answer: Redelivery, now: Timestamp) {
        let task = self.tasks.get_mut(id).filter(|task| task.user == user);
        let expected = match task.and_then(Expected::delivery) {
            None => Redelivery::None,
            Some(delivery) if delivery.state == DeliveryState::Pending => Redelivery::Pending,
            Some(delivery) => {
                delivery.state = DeliveryState::Pending;
                delivery.next = (now, now);
                delivery.waits = WAITS.len();
                Redelivery::Requested
            }
        };
        self.require(answer == expected, Invariant::Deliveries, || {
            format!("delivering {id} again was answered {answer:?}, not {expected:?}")
        });
    }

    /// The process before this one is gone.
    pub fn deliveries_recovered(&mut self) {
        for delivery in self.tasks.values_mut().filter_map(Expected::delivery) {
            delivery.lease_until = None;
        }
    }

    /// Whether each was delivered, was given up, or waits for its time.
    pub fn all_deliveries_rest(&self, now: Timestamp) -> bool {
        let ended = self.tasks.values();
        let ended = ended.filter(|task| !task.is_deleted && task.status.is_final());
        ended
            .filter_map(|task| task.delivery.as_ref())
            .all(|delivery| delivery.rests(now))
    }

    /// How many came to each end, or wait.
    pub fn deliveries(&self, state: DeliveryState) -> usize {
        let deliveries = self
            .tasks
            .values()
            .filter_map(|task| task.delivery.as_ref());
        deliveries.filter(|it| it.state == state).count()
    }

    /// A delivery as its user sees it now.
    pub fn delivery_seen(&mut self, id: &str, seen: Option<&WebhookDelivery>) {
        let Some(task) = self.tasks.get_mut(id) else {
            return;
        };
        let is_final = task.status.is_final();
        let expected = task.delivery();
        let holds = match (&expected, seen) {
            (None, None) => true,
            (Some(expected), Some(seen)) => {
                let statuses = seen.attempts.iter().map(|attempt| attempt.status);
                let is_next = match seen.next_attempt_at {
                    None => !is_final || expected.state != DeliveryState::Pending,
                    // The first one is due by the task's end.
                    Some(_) if expected.attempts.is_empty() => is_final,
                    Some(next) => (expected.next.0..=expected.next.1).contains(&next),
                };
                statuses.eq(expected.attempts.iter().copied())
                    && seen.state == expected.state
                    && is_next
            }
            _ => false,
        };
        let known = expected.map(|it| (it.state, it.attempts.clone(), it.next));
        self.require(holds, Invariant::Deliveries, || {
            format!("the delivery of {id} is {seen:?} in place of {known:?}")
        });
    }
}
