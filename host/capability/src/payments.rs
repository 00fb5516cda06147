//! The calls of one task to models that cost: counted before they leave, and told where
//! one may have to be paid for again. `domain::payment` has the rules.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, Claimed, Fenced, Lease};
use concept_refinement_domain::payment::{NOT_ASKED_TWICE, Payment};
use futures::future::select;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::runtime::Runtime;
use crate::tasks::TaskStore;

/// Between two tries to note a call in a store that cannot be reached.
const PAUSE: Duration = Duration::from_secs(1);

/// How long an answer that breaks off waits for its reason to be noted.
const LACK: Duration = Duration::from_millis(200);

/// Whether a call that was perhaps accepted is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// As often as one that was not accepted: a task should be finished.
    #[default]
    Unknown,
    /// Nobody is asked twice: the task fails.
    Never,
}

/// Why a call is made although an earlier one was perhaps accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// An earlier attempt at the task was under way when its worker was gone.
    Crash,
    /// The call before ended without a word on whether it was accepted.
    Unknown,
    /// The model before did not answer in time, or crashed.
    Silence,
    /// There was no memory to go on with the call before.
    Memory,
}

impl Reason {
    const ALL: [Self; 4] = [Self::Crash, Self::Unknown, Self::Silence, Self::Memory];

    /// Its label in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Unknown => "unknown",
            Self::Silence => "silence",
            Self::Memory => "memory",
        }
    }
}

/// How calls are repeated on this host, and how many were.
#[derive(Debug, Default)]
pub struct RepeatedCalls {
    /// What the operator wants.
    pub repeat: Repeat,
    counts: Mutex<BTreeMap<(String, Reason), u64>>,
}

impl RepeatedCalls {
    /// None of these links' was repeated so far.
    pub fn new(repeat: Repeat, links: impl IntoIterator<Item = String>) -> Self {
        let links = links.into_iter();
        let counts = links.flat_map(|link| Reason::ALL.map(|reason| ((link.clone(), reason), 0)));
        Self {
            repeat,
            counts: Mutex::new(counts.collect()),
        }
    }

    /// Of each link of the model and for each reason, how many were repeated.
    pub fn counts(&self) -> Vec<(String, Reason, u64)> {
        let counts = self.counts.lock();
        let counts = counts.iter();
        counts
            .map(|((link, reason), count)| (link.clone(), *reason, *count))
            .collect()
    }

    fn count(&self, link: &str, reason: Reason) {
        let mut counts = self.counts.lock();
        *counts.entry((link.to_owned(), reason)).or_default() += 1;
    }
}

/// Those of one claimed task. By default there is no task, and nothing is counted.
#[derive(Clone, Default)]
pub struct Payments(Option<Arc<Claim>>);

struct Claim {
    store: Arc<dyn TaskStore>,
    lease: Lease,
    repeated: Arc<RepeatedCalls>,
    runtime: Arc<dyn Runtime>,
    /// Of what is noted: one after the other.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Told of each receipt that is kept.
    receipts: Notify,
}

#[derive(Clone)]
struct State {
    payment: Payment,
    /// Why the next call would be a repeat.
    reason: Reason,
}

/// A call may not be sent: the task's new holder decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The lease is lost.")]
pub struct LeaseLost;

impl Payments {
    /// Of a task that was claimed just now.
    pub fn of(
        store: Arc<dyn TaskStore>,
        claimed: &Claimed,
        repeated: Arc<RepeatedCalls>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        Self(Some(Arc::new(Claim {
            store,
            lease: claimed.lease.clone(),
            repeated,
            runtime,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                payment: claimed.payment.clone(),
                reason: match claimed.payment.lacked_memory {
                    true => Reason::Memory,
                    false => Reason::Crash,
                },
            }),
            receipts: Notify::new(),
        })))
    }

    /// What an earlier call of this link kept.
    pub fn receipt(&self, link: &str) -> Option<Vec<u8>> {
        let claim = self.0.as_ref()?;
        claim.state.lock().payment.receipt(link)
    }

    /// Whether this link must not be asked, since somebody was perhaps paid.
    pub fn forbid(&self, link: &str) -> bool {
        self.0.as_ref().is_some_and(|claim| {
            claim.repeated.repeat == Repeat::Never && claim.state.lock().payment.is_repeat(link)
        })
    }

    /// Notes, durably, that a call of a link is about to leave. `has_receipt`: it began with
    /// one, and asks for work that was noted before. Waits for a store that is away.
    ///
    /// # Errors
    ///
    /// The call must not leave.
    pub async fn begin(&self, link: &str, has_receipt: bool) -> Result<Option<Call>, LeaseLost> {
        let Some(claim) = &self.0 else {
            return Ok(None);
        };
        let _turn = claim.turn.lock().await;
        let before = claim.state.lock().clone();
        if has_receipt && before.payment.calls > 0 {
            return Ok(None);
        }
        claim.note(before.payment.call_begun()).await?;
        Ok(Some(Call::new(claim, link, &before)))
    }

    /// Keeps a receipt of a link; waits for a store that is away. `begins`: none of the
    /// call's requests has left, so that it is noted in the same step that one will.
    ///
    /// # Errors
    ///
    /// It is too large, or the lease is lost.
    pub async fn keep(
        &self,
        link: &str,
        receipt: &[u8],
        begins: bool,
    ) -> Result<Option<Call>, CapabilityError> {
        let Some(claim) = &self.0 else {
            return Ok(None);
        };
        let _turn = claim.turn.lock().await;
        let before = claim.state.lock().clone();
        let payment = match begins {
            true => before.payment.call_begun(),
            false => before.payment.clone(),
        };
        let payment = payment.with_receipt(link, receipt);
        let payment = payment.map_err(|error| CapabilityError::invalid(error.to_string()))?;
        claim.note(payment).await.map_err(refused)?;
        claim.receipts.notify_one();
        Ok(begins.then(|| Call::new(claim, link, &before)))
    }

    /// A link gives up the work that its receipt names: what it asks for next is new work.
    ///
    /// # Errors
    ///
    /// Nobody may be asked twice, or the lease is lost.
    pub async fn give_up(&self, link: &str) -> Result<Option<Call>, CapabilityError> {
        let Some(claim) = &self.0 else {
            return Ok(None);
        };
        let _turn = claim.turn.lock().await;
        let before = claim.state.lock().clone();
        if claim.repeated.repeat == Repeat::Never && before.payment.calls > 0 {
            return Err(CapabilityError::invalid(NOT_ASKED_TWICE));
        }
        let payment = before.payment.without_receipt(link).call_begun();
        claim.note(payment).await.map_err(refused)?;
        Ok(Some(Call::new(claim, link, &before)))
    }

    /// Completes once a receipt was kept.
    pub async fn wait_for_receipt(&self) {
        match &self.0 {
            Some(claim) => claim.receipts.notified().await,
            None => pending().await,
        }
    }

    /// The last call's answer breaks off, since there is no memory for it. The next attempt,
    /// on whichever host, knows why it repeats the call, if the store can be reached now.
    pub async fn lacked_memory(&self) {
        let Some(claim) = &self.0 else {
            return;
        };
        // It may be held by the call itself, which is stopped and never gives it back.
        let Ok(_turn) = claim.turn.try_lock() else {
            return;
        };
        let payment = claim.state.lock().payment.clone();
        if payment.calls > 0 {
            let payment = payment.call_lacked_memory();
            let pay = claim.store.pay(&claim.lease, &payment);
            // Memory that others wait for is held meanwhile.
            select(pin!(pay), claim.runtime.sleep(LACK)).await;
        }
    }

    /// The next call would be a repeat for this reason.
    pub fn ended(&self, reason: Reason) {
        if let Some(claim) = &self.0 {
            claim.state.lock().reason = reason;
        }
    }
}

fn refused(lost: LeaseLost) -> CapabilityError {
    CapabilityError::invalid(lost.to_string())
}

impl Claim {
    /// Writes all that is known of the task, so that a repeat is harmless.
    async fn note(&self, payment: Payment) -> Result<(), LeaseLost> {
        loop {
            match self.store.pay(&self.lease, &payment).await {
                Ok(Fenced::Done) => {
                    self.state.lock().payment = payment;
                    return Ok(());
                }
                Ok(Fenced::Lost) => return Err(LeaseLost),
                Err(error) if error.is_repeatable() => self.runtime.sleep(PAUSE).await,
                Err(_) => return Err(LeaseLost),
            }
        }
    }
}

/// A call that was noted. When it ends, however it does, it counts as accepted.
pub struct Call {
    claim: Arc<Claim>,
    link: String,
    /// Why it is a repeat, if it is one.
    repeats: Option<Reason>,
}

impl Call {
    fn new(claim: &Arc<Claim>, link: &str, before: &State) -> Self {
        let repeats = (before.payment.calls > 0).then_some(before.reason);
        if let Some(reason) = repeats {
            let (task_id, reason) = (&claim.lease.task_id, reason.as_str());
            let calls = before.payment.calls.saturating_add(1);
            tracing::warn!(
                %task_id, model = link, reason, calls,
                "a provider is asked though an earlier call may have been accepted"
            );
        }
        Self {
            claim: Arc::clone(claim),
            link: link.to_owned(),
            repeats,
        }
    }

    /// It was not accepted, which is noted, too: now if the store can be reached, else with
    /// what is noted next. Until then it counts as accepted.
    pub async fn not_accepted(mut self) {
        self.repeats = None;
        let claim = Arc::clone(&self.claim);
        let _turn = claim.turn.lock().await;
        let payment = claim.state.lock().payment.call_not_accepted();
        claim.state.lock().payment = payment.clone();
        let _ = claim.store.pay(&claim.lease, &payment).await;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(reason) = self.repeats {
            self.claim.repeated.count(&self.link, reason);
        }
    }
}
