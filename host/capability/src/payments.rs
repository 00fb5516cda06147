//! The paid model calls of one task: counted before they are sent, and reported if one
//! may have to be paid for again. `domain::payment` has the rules.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, Claimed, Fenced, Lease};
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::{Payment, Usage};
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::words;
use futures::future::select;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::runtime::Runtime;
use crate::tasks::TaskStore;
use crate::traces::{Attempt, Kind, Span};

/// Delay between attempts to record a call while the store cannot be reached.
const PAUSE: Duration = Duration::from_secs(1);

/// How long an answer that breaks off waits for its reason to be noted.
const LACK: Duration = Duration::from_millis(200);

words! {
    /// Whether a call that may have been accepted is repeated.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Repeat {
        /// Repeat it like one that was not accepted, since a task should be finished.
        #[default]
        Unknown = "unknown",
        /// Never risk paying twice: the task fails instead.
        Never = "never",
    }
}

// Labels in metrics and logs.
words! {
    /// Why a call is made although an earlier one may have been accepted.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Reason {
        /// A worker died while it was working on the task.
        Crash = "crash",
        /// The previous call ended without telling whether it was accepted.
        Unknown = "unknown",
        /// The previous call timed out or crashed.
        Silence = "silence",
        /// The previous call was ended for lack of memory.
        Memory = "memory",
    }
}

/// What a call of each link costs, by the link's name, as far as it is known.
pub type Prices = BTreeMap<String, MicroDollars>;

/// Whether this host repeats calls, what they cost, and how many it has repeated.
#[derive(Debug, Default)]
pub struct RepeatedCalls {
    /// The operator's choice.
    pub repeat: Repeat,
    /// What the operator knows of prices.
    pub prices: Prices,
    counts: Mutex<BTreeMap<(String, Reason), u64>>,
}

impl RepeatedCalls {
    /// Starts all counts of these links at zero.
    pub fn new(repeat: Repeat, links: impl IntoIterator<Item = String>, prices: Prices) -> Self {
        let links = links.into_iter();
        let counts = links.flat_map(|link| Reason::ALL.map(|reason| ((link.clone(), reason), 0)));
        Self {
            repeat,
            prices,
            counts: Mutex::new(counts.collect()),
        }
    }

    /// How many calls were repeated, by link and reason.
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

/// The paid calls of one claimed task. The default belongs to no task and counts nothing.
#[derive(Clone, Default)]
pub struct Payments(Option<Arc<Claim>>);

struct Claim {
    attempt: Attempt,
    store: Arc<dyn TaskStore>,
    lease: Lease,
    repeated: Arc<RepeatedCalls>,
    runtime: Arc<dyn Runtime>,
    /// Serializes the writes to the store.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Notified of each receipt that is stored.
    receipts: Notify,
}

#[derive(Clone)]
struct State {
    payment: Payment,
    /// The reason, if the next call is a repeat.
    reason: Reason,
}

/// The lease was lost, so no call may be sent: the new holder decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The lease is lost.")]
pub struct LeaseLost;

impl Payments {
    /// For a task that was claimed just now.
    pub fn of(
        store: Arc<dyn TaskStore>,
        claimed: &Claimed,
        repeated: Arc<RepeatedCalls>,
        runtime: Arc<dyn Runtime>,
        attempt: Attempt,
    ) -> Self {
        Self(Some(Arc::new(Claim {
            attempt,
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

    /// Begins a span for a call, if the task is traced.
    pub fn start_span(&self, name: &'static str, kind: Kind) -> Span {
        let claim = self.0.as_ref();
        claim.map_or_else(Span::default, |claim| claim.attempt.start(name, kind))
    }

    /// The receipt that an earlier call of this link stored.
    pub fn receipt(&self, link: &str) -> Option<Vec<u8>> {
        let claim = self.0.as_ref()?;
        claim.state.lock().payment.receipt(link)
    }

    /// Whether this link must not be called, since an earlier call may have been paid
    /// for.
    pub fn forbid(&self, link: &str) -> bool {
        self.0.as_ref().is_some_and(|claim| {
            claim.repeated.repeat == Repeat::Never && claim.state.lock().payment.is_repeat(link)
        })
    }

    /// To be called before each call of a link: if nobody knows whether an earlier call was
    /// accepted, records durably that no answer shows it any more. While the store cannot be
    /// reached, this waits.
    ///
    /// # Errors
    ///
    /// The link must not be called.
    pub async fn abandon_open_calls(&self) -> Result<(), LeaseLost> {
        let Some(claim) = &self.0 else {
            return Ok(());
        };
        if !claim.state.lock().payment.has_open_calls() {
            return Ok(());
        }
        let _turn = claim.turn.lock().await;
        let payment = claim.state.lock().payment.open_calls_abandoned();
        claim.note(payment).await
    }

    /// Durably records that a call of a link is about to be sent. `has_receipt`: the call
    /// started from a receipt and only requests work that is already recorded. While the
    /// store cannot be reached, this waits.
    ///
    /// # Errors
    ///
    /// The call must not be sent.
    pub async fn begin(&self, link: &str, has_receipt: bool) -> Result<Option<Call>, LeaseLost> {
        let Some(claim) = &self.0 else {
            return Ok(None);
        };
        let _turn = claim.turn.lock().await;
        let before = claim.state.lock().payment.clone();
        if has_receipt && before.calls > 0 {
            return Ok(None);
        }
        let payment = before.call_begun(link, claim.price(link));
        claim.note(payment).await?;
        Ok(Some(claim.call(link)))
    }

    /// Stores a receipt of a link; waits while the store cannot be reached. `begins`: no
    /// request of the call has been sent yet, so the call itself is recorded in the same
    /// step.
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
        let before = claim.state.lock().payment.clone();
        let payment = match begins {
            true => before.call_begun(link, claim.price(link)),
            false => before,
        };
        let payment = payment.with_receipt(link, receipt);
        let payment = payment.map_err(|error| CapabilityError::invalid(error.to_string()))?;
        claim.add_step(StepKind::Receipt, link);
        claim.note(payment).await.map_err(refused)?;
        claim.receipts.notify_one();
        Ok(begins.then(|| claim.call(link)))
    }

    /// Discards a link's receipt: its next request is new work, to be paid for again.
    ///
    /// # Errors
    ///
    /// The operator forbids paying twice, or the lease is lost.
    pub async fn give_up(&self, link: &str) -> Result<Option<Call>, CapabilityError> {
        let Some(claim) = &self.0 else {
            return Ok(None);
        };
        let _turn = claim.turn.lock().await;
        let is_never = claim.repeated.repeat == Repeat::Never;
        let price = claim.price(link);
        let payment = claim.state.lock().payment.given_up(link, is_never, price);
        let payment = payment.map_err(|error| CapabilityError::invalid(error.to_string()))?;
        claim.note(payment).await.map_err(refused)?;
        Ok(Some(claim.call(link)))
    }

    /// Adds to what the work of a link cost; waits while the store cannot be reached.
    ///
    /// # Errors
    ///
    /// The lease is lost.
    pub async fn add_usage(&self, link: &str, usage: &Usage) -> Result<(), CapabilityError> {
        let Some(claim) = &self.0 else {
            return Ok(());
        };
        let _turn = claim.turn.lock().await;
        let payment = claim.state.lock().payment.with_usage(link, usage);
        claim.note(payment).await.map_err(refused)
    }

    /// Records that the last call of this link was accepted, whatever becomes of its answer, if
    /// it has a price and its provider has not said what it cost; and that this answer settles no
    /// call of another link: right now if the store can be reached, otherwise with the next write,
    /// since the answer waits meanwhile.
    pub async fn answered(&self, link: &str) {
        let Some(claim) = &self.0 else {
            return;
        };
        let answered = || claim.state.lock().payment.call_answered(link);
        if answered().is_none() {
            return;
        }
        let _turn = claim.turn.lock().await;
        if let Some(payment) = answered() {
            claim.try_note(payment).await;
        }
    }

    /// Adds the price of a link without a provider, which has answered, if it has one: right now
    /// if the store can be reached, otherwise with the next write.
    pub async fn answered_itself(&self, link: &str) {
        let Some(claim) = &self.0 else {
            return;
        };
        let Some(MicroDollars(price)) = claim.price(link) else {
            return;
        };
        let usage = Usage {
            cost: Some(price),
            ..Usage::default()
        };
        let _turn = claim.turn.lock().await;
        let payment = claim.state.lock().payment.with_usage(link, &usage);
        claim.try_note(payment).await;
    }

    /// Adds an answer of this link to the story of the task, and how long it took.
    pub fn asked(&self, link: &str, outcome: &str, took: Duration) {
        if let Some(claim) = &self.0 {
            let detail = format!("{link}: {outcome}, {} ms", took.as_millis());
            claim.add_step(StepKind::Asked, &detail);
        }
    }

    /// Completes once a receipt was stored.
    pub async fn wait_for_receipt(&self) {
        match &self.0 {
            Some(claim) => claim.receipts.notified().await,
            None => pending().await,
        }
    }

    /// Whether an answer broke off for lack of memory in the previous attempt.
    pub fn has_lacked_memory(&self) -> bool {
        let claim = self.0.as_ref();
        claim.is_some_and(|claim| claim.state.lock().payment.lacked_memory)
    }

    /// The answer of the last call breaks off for lack of memory. Stores this for the
    /// next attempt, on whichever host, if the store can be reached now.
    pub async fn lacked_memory(&self) {
        let Some(claim) = &self.0 else {
            return;
        };
        // It may be held by the call itself, which is stopped and never gives it back.
        let Ok(_turn) = claim.turn.try_lock() else {
            return;
        };
        let payment = claim.state.lock().payment.call_lacked_memory();
        // Memory that others wait for is held meanwhile.
        select(pin!(claim.try_note(payment)), claim.runtime.sleep(LACK)).await;
    }

    /// Sets the reason in case the next call is a repeat.
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
    /// A call that was recorded just now.
    fn call(self: &Arc<Self>, link: &str) -> Call {
        let State { payment, reason } = self.state.lock().clone();
        let calls = payment.calls;
        let repeats = (calls > 1).then_some(reason);
        if let Some(reason) = repeats {
            let (task_id, reason) = (&self.lease.task_id, reason.as_str());
            tracing::warn!(
                %task_id, model = link, reason, calls,
                "a provider is asked though an earlier call may have been accepted"
            );
        }
        Call {
            claim: Arc::clone(self),
            link: link.to_owned(),
            repeats,
        }
    }

    /// Of a call of this link. None: it is unknown.
    fn price(&self, link: &str) -> Option<MicroDollars> {
        self.repeated.prices.get(link).copied()
    }

    fn add_step(&self, kind: StepKind, detail: &str) {
        let (task_id, attempt) = (&self.lease.task_id, self.lease.attempt);
        self.store.add_step(task_id, attempt, kind, detail);
    }

    /// Writes the state once. If that fails, the next write has it.
    async fn try_note(&self, payment: Payment) {
        self.state.lock().payment = payment.clone();
        let _ = self.store.pay(&self.lease, &payment).await;
    }

    /// Writes the whole state instead of a change, so that repeating the write is
    /// harmless.
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

/// A recorded call. Unless it is marked otherwise, it counts as accepted when it ends.
pub struct Call {
    claim: Arc<Claim>,
    link: String,
    /// Why it is a repeat, if it is one.
    repeats: Option<Reason>,
}

impl Call {
    /// Records that the call was not accepted: right now if the store can be reached,
    /// otherwise with the next write. Until then it counts as accepted.
    pub async fn not_accepted(mut self) {
        self.repeats = None;
        let claim = Arc::clone(&self.claim);
        let _turn = claim.turn.lock().await;
        let payment = claim.state.lock().payment.call_not_accepted(&self.link);
        claim.try_note(payment).await;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(reason) = self.repeats {
            self.claim.repeated.count(&self.link, reason);
        }
    }
}
