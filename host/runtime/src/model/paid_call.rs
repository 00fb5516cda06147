//! One call of a link, whose requests are counted, and whose receipts and usage are kept.
//!
//! No call stays recorded that sends no request, because its model has no provider or the answer
//! comes from a cache. The answer of a model without a provider costs what the operator says.

use std::time::Duration;

use concept_refinement_capability::model::ModelError;
use concept_refinement_capability::payments::{Call, LeaseLost, Payments, Reason};
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::step::ANSWERED;
use tokio::sync::{Mutex, watch};

/// A paid call of a model, with the receipt of an earlier one for the same task.
pub struct PaidCall {
    payments: Payments,
    /// The model has a provider, so a call without an answer may have to be paid for.
    has_provider: bool,
    /// The name of the link.
    link: String,
    /// The receipt that an earlier call stored.
    pub receipt: Option<Vec<u8>>,
    /// The key by which a provider recognises a repeated request.
    pub key: String,
    /// Set while the call waits for the store, which does not count as its own time.
    /// None: the caller takes care of that.
    waits: Option<watch::Sender<bool>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    has_begun: bool,
    /// The number of the work that is under way: a new one begins where a receipt is discarded.
    work: usize,
    /// How many requests have left for it and not come back.
    requests: usize,
    /// A receipt was stored after a request, which shows that the work was accepted. One that
    /// is stored before shows nothing.
    is_accepted: bool,
    /// None: it has not begun, or only requests work that is already recorded.
    call: Option<Call>,
}

impl PaidCall {
    /// `has_provider`: of its model. `key`: identifies this call of the link.
    pub fn new(
        payments: Payments,
        link: &str,
        has_provider: bool,
        key: String,
        waits: Option<watch::Sender<bool>>,
    ) -> Self {
        Self {
            has_provider,
            waits,
            receipt: payments.receipt(link),
            payments,
            link: link.to_owned(),
            key,
            state: Mutex::default(),
        }
    }

    /// To be called before the model is, whose answer settles no earlier call.
    ///
    /// # Errors
    ///
    /// The model must not be called.
    pub async fn begin(&self) -> Result<(), LeaseLost> {
        self.waiting(self.payments.abandon_open_calls()).await
    }

    /// To be called before each request: records the call at the first one, and returns the
    /// number of the work that the request is for.
    ///
    /// # Errors
    ///
    /// The request must not be sent.
    pub async fn leave(&self) -> Result<usize, LeaseLost> {
        let mut state = self.state.lock().await;
        if !state.has_begun {
            let begun = self.payments.begin(&self.link, self.receipt.is_some());
            state.call = self.waiting(begun).await?;
            state.has_begun = true;
        }
        state.requests = state.requests.saturating_add(1);
        Ok(state.work)
    }

    /// To be called after each request that could not be sent, with what [`Self::leave`] returned:
    /// a call without any other one was not accepted, whatever its model says. Until it ends, it
    /// counts as one that may have been.
    pub async fn came_back(&self, work: usize) {
        let mut state = self.state.lock().await;
        if work == state.work {
            state.requests = state.requests.saturating_sub(1);
        }
    }

    /// Stores a receipt of the call with this key. An empty one discards the previous
    /// receipt.
    ///
    /// # Errors
    ///
    /// The key is another call's, the receipt cannot be stored, or the operator forbids
    /// paying twice.
    pub async fn keep(&self, key: &str, receipt: &[u8]) -> Result<(), CapabilityError> {
        self.check(key)?;
        let mut state = self.state.lock().await;
        let begins = !state.has_begun && self.receipt.is_none();
        let call = if receipt.is_empty() {
            let call = self.waiting(self.payments.give_up(&self.link)).await?;
            // New work begins.
            state.work = state.work.saturating_add(1);
            (state.requests, state.is_accepted) = (0, false);
            call
        } else {
            let kept = self.payments.keep(&self.link, receipt, begins);
            self.waiting(kept).await.inspect_err(|error| {
                let model = self.link.as_str();
                tracing::warn!(model, %error, "a receipt cannot be stored");
            })?
        };
        state.is_accepted |= state.requests > 0 && !receipt.is_empty();
        if call.is_some() {
            state.has_begun = true;
            state.call = call;
        }
        Ok(())
    }

    /// Stores what a piece of the call's work cost.
    ///
    /// # Errors
    ///
    /// The key is another call's, or it cannot be stored.
    pub async fn add_usage(&self, key: &str, usage: &Usage) -> Result<(), CapabilityError> {
        self.check(key)?;
        self.waiting(self.payments.add_usage(&self.link, usage))
            .await
    }

    fn check(&self, key: &str) -> Result<(), CapabilityError> {
        match key == self.key {
            true => Ok(()),
            false => Err(CapabilityError::invalid("This is the key of another call.")),
        }
    }

    /// Marks the call as waiting meanwhile, since the store may be unreachable.
    async fn waiting<T>(&self, noted: impl Future<Output = T>) -> T {
        let waits = |is_waiting: bool| {
            if let Some(waits) = &self.waits {
                waits.send_replace(is_waiting);
            }
        };
        waits(true);
        let noted = noted.await;
        waits(false);
        noted
    }

    /// Records the outcome of the call according to the link's answer, and its
    /// duration.
    pub async fn answered(&self, error: Option<&ModelError>, took: Duration) {
        let outcome = error.map_or(ANSWERED, ModelError::outcome);
        self.payments.asked(&self.link, outcome, took);
        let requests = self.state.lock().await.requests;
        if requests == 0 {
            self.not_accepted().await;
        }
        let reason = match error {
            None if self.has_provider => {
                return self.waiting(self.payments.answered(&self.link)).await;
            }
            None => {
                return self
                    .waiting(self.payments.answered_itself(&self.link))
                    .await;
            }
            Some(_) if !self.has_provider => return,
            Some(ModelError::Refused(_)) => return,
            Some(ModelError::Unavailable { .. } | ModelError::Unauthorized(_)) => {
                return self.not_accepted().await;
            }
            Some(ModelError::Unknown(_)) => Reason::Unknown,
            Some(ModelError::Broken(_)) => Reason::Silence,
        };
        self.payments.ended(reason);
    }

    async fn not_accepted(&self) {
        let call = {
            let mut state = self.state.lock().await;
            let is_accepted = state.is_accepted;
            state.call.take_if(|_| !is_accepted)
        };
        if let Some(call) = call {
            call.not_accepted().await;
        }
    }

    /// It was ended for lack of memory after its answer had begun: the task is tried
    /// again.
    pub async fn lacked_memory(&self) {
        self.payments.lacked_memory().await;
    }

    /// It was ended for lack of memory.
    pub fn put_off(&self) {
        self.payments.ended(Reason::Memory);
    }
}
