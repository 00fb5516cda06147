//! `receipts`, `usage` and `payments`: a task's payment state, in its user's record.

use concept_refinement_domain::capability::{Fenced, Lease};
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::{NOT_ASKED_TWICE, Payment, Usage, keyed_call};
use concept_refinement_domain::rulebook::{self, Decision, TaskRecord};
use concept_refinement_domain::sealed_key;
use concept_refinement_domain::secret::RECEIPT_KEYS;

use crate::ports::{Fault, Machine, Platform};
use crate::store::Store;

/// Whether and how a call may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    MayLeave {
        /// The receipt that an earlier call stored.
        receipt: Option<Vec<u8>>,
        /// The key under which this call stores its own receipt.
        receipt_key: String,
        is_counted: bool,
    },
    /// The provider may have worked on it already, and the request must not be
    /// repeated.
    NotTwice,
}

const LOST: Fault = Fault::Invalid("The lease is lost.");
const NO_KEY: Fault = Fault::Invalid("This is not the key of a call.");

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn begin_call(
        &self,
        key: &str,
        price: Option<MicroDollars>,
    ) -> Result<Beginning, Fault> {
        let (lease, link) = call(key)?;
        let is_never = self.is_never().await;
        let receipt_key = sealed_key::seal(&self.key(RECEIPT_KEYS).await?, key);
        let began = self.change_task(&lease.task_id, None, |record, _| {
            let is_repeat = record.payment.is_repeat(link);
            if !record.is_held_by(&lease) {
                return Ok(Decision::unchanged(None));
            }
            let may_leave = |is_counted| Beginning::MayLeave {
                receipt: record.payment.receipt(link),
                receipt_key: receipt_key.clone(),
                is_counted,
            };
            Ok(match (is_repeat, record.payment.calls) {
                (true, _) if is_never => Decision::unchanged(Some(Beginning::NotTwice)),
                (false, 1..) if !record.payment.has_open_calls() => {
                    Decision::unchanged(Some(may_leave(false)))
                }
                (false, 1..) => {
                    let abandoned = record.payment.open_calls_abandoned();
                    pay(record, &lease, &abandoned, may_leave(false))
                }
                _ => {
                    let begun = record.payment.call_begun(link, price);
                    pay(record, &lease, &begun, may_leave(true))
                }
            })
        });
        began.await?.ok_or(LOST)
    }

    /// Whether a call that costs nothing is forbidden: see [`Payment::is_repeat`]. Otherwise its
    /// answer settles no earlier call: see [`Payment::open_calls_abandoned`].
    pub async fn is_forbidden(&self, key: &str) -> Result<bool, Fault> {
        let (lease, link) = call(key)?;
        let is_never = self.is_never().await;
        let looked = self.change_task(&lease.task_id, None, |record, _| {
            let is_forbidden = is_never && record.payment.is_repeat(link);
            if is_forbidden || !record.payment.has_open_calls() {
                let held = record.is_held_by(&lease);
                return Ok(Decision::unchanged(held.then_some(is_forbidden)));
            }
            let abandoned = record.payment.open_calls_abandoned();
            Ok(pay(record, &lease, &abandoned, false))
        });
        looked.await?.ok_or(LOST)
    }

    pub async fn call_not_accepted(&self, key: &str) -> Result<(), Fault> {
        self.change_payment(key, |payment, link| Ok(payment.call_not_accepted(link)))
            .await
    }

    /// `key`: given to the call when it began.
    pub async fn keep_receipt(&self, key: &str, receipt: &[u8]) -> Result<(), Fault> {
        let key = sealed_key::open(&self.key(RECEIPT_KEYS).await?, key).ok_or(NO_KEY)?;
        let is_never = self.is_never().await;
        self.change_payment(key, |payment, link| match receipt {
            [] => {
                // New work costs what the work costs that it replaces.
                let given_up = payment.given_up(link, is_never, payment.open_price(link));
                given_up.map_err(|_| Fault::Invalid(NOT_ASKED_TWICE))
            }
            receipt => {
                let kept = payment.with_receipt(link, receipt);
                kept.map_err(|_| Fault::Invalid("The receipt is too large."))
            }
        })
        .await
    }

    /// `key`: given to the call when it began.
    pub async fn add_usage(&self, key: &str, usage: &Usage) -> Result<(), Fault> {
        let key = sealed_key::open(&self.key(RECEIPT_KEYS).await?, key).ok_or(NO_KEY)?;
        self.change_payment(key, |payment, link| Ok(payment.with_usage(link, usage)))
            .await
    }

    /// Changes what is known of the payment for a call.
    async fn change_payment(
        &self,
        key: &str,
        mut change: impl FnMut(&Payment, &str) -> Result<Payment, Fault>,
    ) -> Result<(), Fault> {
        let (lease, link) = call(key)?;
        let changed = self.change_task(&lease.task_id, None, |record, _| {
            let payment = change(&record.payment, link)?;
            Ok(pay(record, &lease, &payment, ()))
        });
        changed.await?.ok_or(LOST)
    }

    /// Whether repeats are forbidden.
    async fn is_never(&self) -> bool {
        self.platform.setting("model-repeat").await.as_deref() == Some("never")
    }
}

fn call(key: &str) -> Result<(Lease, &str), Fault> {
    keyed_call(key).ok_or(NO_KEY)
}

/// None: the lease is lost.
fn pay<T>(
    record: &mut TaskRecord,
    held: &Lease,
    payment: &Payment,
    answer: T,
) -> Decision<Option<T>> {
    let paid = rulebook::pay(record, held, payment);
    paid.map(|fenced| (fenced == Fenced::Done).then_some(answer))
}
