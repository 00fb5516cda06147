//! One call of a link, as its requests and receipts are counted.
//!
//! Nothing is noted of a call that asks nobody: of a model without a provider, or of an
//! answer that was remembered.

use std::sync::Arc;

use concept_refinement_capability::model::ModelError;
use concept_refinement_capability::payments::{Call, LeaseLost, Payments, Reason};
use concept_refinement_domain::capability::CapabilityError;
use tokio::sync::{Mutex, watch};

use crate::model::memory::Admitted;

/// A call of a model that costs, with what an earlier one of the same task kept.
pub struct PaidCall {
    payments: Payments,
    /// The name of the link.
    link: String,
    /// What an earlier call of it kept.
    receipt: Option<Vec<u8>>,
    key: String,
    admitted: Arc<Admitted>,
    /// Whether the call waits for others, whose time is not its own. None: others say so.
    waits: Option<watch::Sender<bool>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    has_begun: bool,
    /// None: it has not begun, or asks for work that was noted before.
    call: Option<Call>,
}

impl PaidCall {
    /// `key` is what the link names this call by.
    pub fn new(
        payments: Payments,
        link: &str,
        key: String,
        admitted: Arc<Admitted>,
        waits: Option<watch::Sender<bool>>,
    ) -> Self {
        Self {
            admitted,
            waits,
            receipt: payments.receipt(link),
            payments,
            link: link.to_owned(),
            key,
            state: Mutex::default(),
        }
    }

    /// What an earlier call kept.
    pub fn receipt(&self) -> Option<&[u8]> {
        self.receipt.as_deref()
    }

    /// The key by which a provider recognises a repeat.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Before each of its requests: notes the first one.
    ///
    /// # Errors
    ///
    /// It must not leave.
    pub async fn leave(&self) -> Result<(), LeaseLost> {
        let mut state = self.state.lock().await;
        if !state.has_begun {
            let has_receipt = self.receipt.is_some();
            let begun = self.payments.begin(&self.link, has_receipt);
            state.call = self.waiting(begun).await?;
            state.has_begun = true;
            if !has_receipt {
                self.admitted.asks();
            }
        }
        Ok(())
    }

    /// Keeps a receipt of the call with this key. An empty one gives up the one before.
    ///
    /// # Errors
    ///
    /// It is another call's, or cannot be kept; or nobody may be asked for other work.
    pub async fn keep(&self, key: &str, receipt: &[u8]) -> Result<(), CapabilityError> {
        if key != self.key {
            return Err(CapabilityError::invalid("This is the key of another call."));
        }
        let mut state = self.state.lock().await;
        let begins = !state.has_begun && self.receipt.is_none();
        let call = if receipt.is_empty() {
            self.waiting(self.payments.give_up(&self.link)).await?
        } else {
            let kept = self.payments.keep(&self.link, receipt, begins);
            self.waiting(kept).await?
        };
        if call.is_some() {
            self.admitted.asks();
            state.has_begun = true;
            state.call = call;
        }
        Ok(())
    }

    /// The store may be away.
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

    /// Notes what the link says of it.
    pub async fn answered(&self, error: Option<&ModelError>) {
        let reason = match error {
            None | Some(ModelError::Refused(_)) => return,
            Some(ModelError::Unavailable { .. } | ModelError::Unauthorized(_)) => {
                let call = self.state.lock().await.call.take();
                if let Some(call) = call {
                    call.not_accepted().await;
                }
                return;
            }
            Some(ModelError::Unknown(_)) => Reason::Unknown,
            Some(ModelError::Broken(_)) => Reason::Silence,
        };
        self.payments.ended(reason);
    }

    /// It was ended for want of memory, and had answered: the task is tried again.
    pub async fn lacked_memory(&self) {
        self.payments.lacked_memory().await;
    }

    /// It was ended for want of memory.
    pub fn put_off(&self) {
        self.payments.ended(Reason::Memory);
    }
}
