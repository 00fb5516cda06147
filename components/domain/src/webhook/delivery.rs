//! The life cycle of a delivery: due, attempted under a lease, recorded, and requested
//! again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::schedule::{LONGEST_WAIT, WAITS, wait};
use super::{
    DeliveryAnswer, DeliveryAttempt, DeliveryLease, DeliveryOutcome, DeliveryState, DueDelivery,
    Redelivery, Webhook, WebhookDelivery,
};
use crate::capability::Fenced;
use crate::document::OtherFields;
use crate::response_headers::is_redirect;
use crate::sentence::sanitize;
use crate::step::{Step, StepKind};
use crate::task::Task;
use crate::timestamp::Timestamp;
use crate::trace::TraceContext;

/// How long an attempt belongs to one host: it ends after 15 s, and the rest is for
/// recording the outcome. If the host dies, another one takes over after this time.
pub const LEASE: Duration = Duration::from_secs(30);

/// Attempts that are kept. If there are more, which only happens by redelivery requests,
/// the oldest are dropped.
pub const MAX_ATTEMPTS: usize = 100;

/// Longest sentence about an attempt, in code points.
const MAX_ERROR_CHARS: usize = 200;

/// The latest time from now at which a recorded attempt can be due. A later one was
/// recorded before the clock was set back.
const FURTHEST: Duration = LONGEST_WAIT;

/// A delivery as stored with its task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// The requested webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The failed task that its task retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// Its state.
    pub state: DeliveryState,
    /// The oldest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// None: the task has not ended, or has just ended; or there will be no more
    /// attempts.
    pub next_attempt_at: Option<Timestamp>,
    /// How many waits of the schedule have passed.
    pub waits: u32,
    /// How often an attempt began: the fencing token.
    pub token: u32,
    /// Set while an attempt is in progress.
    pub lease_until: Option<Timestamp>,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl DeliveryRecord {
    /// The delivery of a task that has not ended.
    pub fn new(webhook: Webhook) -> Self {
        Self {
            webhook,
            ..Self::default()
        }
    }

    /// The receiver: the origin of the URL.
    pub fn receiver(&self) -> String {
        self.webhook.receiver()
    }

    /// When the delivery has to be processed, once its task has ended: right away if
    /// there was no attempt yet. None: there will be no more attempts.
    pub fn due_at(&self) -> Option<Timestamp> {
        (self.state == DeliveryState::Pending).then(|| {
            self.lease_until
                .or(self.next_attempt_at)
                .unwrap_or_default()
        })
    }

    /// Deliveries due after this time are due now as well: they were recorded before the
    /// clock was set back, and must not wait until the clock catches up.
    pub fn beyond(now: Timestamp) -> Timestamp {
        now.plus(FURTHEST)
    }

    /// The delivery as its user sees it.
    pub fn seen(&self, task: &Task) -> WebhookDelivery {
        let is_pending = self.state == DeliveryState::Pending;
        WebhookDelivery {
            url: self.webhook.url.clone(),
            state: self.state,
            attempts: self.attempts.clone(),
            next_attempt_at: self
                .next_attempt_at
                .or(task.completed_at)
                .filter(|_| is_pending && task.status.is_final()),
        }
    }

    /// Begins an attempt. None: it is not due, or another attempt is in progress.
    pub fn begin(
        &mut self,
        task: &Task,
        trace: Option<TraceContext>,
        now: Timestamp,
    ) -> Option<DueDelivery> {
        let due_at = self.due_at().filter(|_| task.status.is_final())?;
        if due_at > now && due_at <= Self::beyond(now) {
            return None;
        }
        let until = now.plus(LEASE);
        self.next_attempt_at = self.next_attempt_at.or(task.completed_at);
        self.token = self.token.saturating_add(1);
        self.lease_until = Some(until);
        Some(DueDelivery {
            lease: DeliveryLease {
                task_id: task.id.clone(),
                token: self.token,
                until,
            },
            webhook: self.webhook.clone(),
            retry_of: self.retry_of.clone(),
            task: task.clone(),
            trace,
        })
    }

    /// Ends the lease of an attempt whose process is known to have died. False: there is
    /// none.
    pub fn recover(&mut self) -> bool {
        self.lease_until.take().is_some()
    }

    /// Records the outcome of an attempt, and when the next one is due. An expired lease
    /// is lost only when another attempt begins.
    ///
    /// `jitter`, from 0 to 1, spreads out the retries of deliveries that failed together.
    pub fn record(
        &mut self,
        lease: &DeliveryLease,
        outcome: DeliveryOutcome,
        jitter: f64,
        now: Timestamp,
    ) -> Fenced {
        if self.token != lease.token || self.lease_until.is_none() {
            return Fenced::Lost;
        }
        let DeliveryOutcome { at, answer } = outcome;
        let (status, error, retry_after) = match answer {
            DeliveryAnswer::Status { code, retry_after } => {
                (Some(code), problem(code), retry_after)
            }
            DeliveryAnswer::None(reason) => (None, Some(sanitize(&reason, MAX_ERROR_CHARS)), None),
        };
        let is_delivered = error.is_none();
        let excess = (self.attempts.len() + 1).saturating_sub(MAX_ATTEMPTS);
        self.attempts.drain(..excess);
        self.attempts.push(DeliveryAttempt { at, status, error });
        self.lease_until = None;
        let wait = match status {
            _ if is_delivered => None,
            Some(GONE) => None,
            _ => wait(self.waits, retry_after, jitter),
        };
        self.next_attempt_at = wait.map(|wait| now.plus(wait));
        self.waits = self.waits.saturating_add(1);
        self.state = match wait {
            _ if is_delivered => DeliveryState::Delivered,
            Some(_) => DeliveryState::Pending,
            None => DeliveryState::Failed,
        };
        Fenced::Done
    }

    /// The last recorded attempt, as a step of the story of its task.
    pub fn step(&self, attempt: u32) -> Step {
        let last = self.attempts.last();
        let at = last.map(|last| last.at).unwrap_or_default();
        let outcome = match last.and_then(|last| last.error.as_deref()) {
            Some(error) => error,
            None => DeliveryState::Delivered.as_str(),
        };
        Step::new(StepKind::Webhook, attempt, at).with(outcome)
    }

    /// Makes one more attempt due, whose outcome is final. Never returns
    /// [`Redelivery::None`].
    pub fn redeliver(&mut self, now: Timestamp) -> Redelivery {
        if self.state == DeliveryState::Pending {
            return Redelivery::Pending;
        }
        self.state = DeliveryState::Pending;
        self.next_attempt_at = Some(now);
        self.waits = u32::try_from(WAITS.len()).unwrap_or(u32::MAX);
        Redelivery::Requested
    }
}

/// The receiver wants no more deliveries (RFC 9110, 15.5.11; Standard Webhooks).
const GONE: u16 = 410;

/// Why a status means failure, as a sentence. None: it means success.
fn problem(code: u16) -> Option<String> {
    match code {
        200..=299 => None,
        _ if is_redirect(code) => Some(format!(
            "The receiver answered {code}, and redirects are not followed."
        )),
        GONE => Some(format!(
            "The receiver answered {code}, so nothing more is sent to it."
        )),
        _ => Some(format!("The receiver answered {code}.")),
    }
}
