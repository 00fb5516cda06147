//! The calls of a task that may have to be paid for, and how to request the same work
//! again.
//!
//! A provider charges for each call that it accepts. So a task durably records, before
//! each call is sent, how many calls may have been accepted, and also the receipts that
//! its models store, and what they say that it cost.

mod usage;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::capability::Lease;
use crate::document::{OtherFields, is_zero};
use crate::money::MicroDollars;
use crate::spending::Booking;
use crate::timestamp::Timestamp;
pub use usage::{LinkUsage, Usage};

/// Longest receipt, in bytes.
pub const MAX_RECEIPT: usize = 4 << 10;

/// Most receipts of one task: a chain cannot have more links.
pub const MAX_RECEIPTS: usize = 32;

/// Longest name of a link, in bytes.
pub const MAX_LINK: usize = 128;

/// Why a task fails that must not be paid for twice.
pub const NOT_ASKED_TWICE: &str = "the provider may have worked on it, and is not asked twice";

/// The payment state of a task: the record of its calls to paid models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Calls that a provider may have accepted. Normally one; if there are more, the user
    /// is told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub calls: u32,
    /// The receipt of each link of the model, in base64, by the link's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    receipts: BTreeMap<String, String>,
    /// What the calls of each link cost, by the link's name. It stays when the task has
    /// ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<String, LinkUsage>,
    /// The link of the last call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_link: Option<String>,
    /// Calls and receipts are those of the failed task that this one retries, which has
    /// made no call of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_inherited: bool,
    /// The answer to the last call broke off for lack of memory: so the reason of the
    /// next call is that, not a crash, and it gets as much memory as a call may have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacked_memory: bool,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A receipt is too large, or there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The receipt is larger than 4 KiB, or there are too many.")]
pub struct TooLarge;

/// New work must not be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", NOT_ASKED_TWICE)]
pub struct NotAskedTwice;

impl Payment {
    /// Whether there is nothing to store, as for most tasks.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The state for a retry by an operator: work with a receipt continues. Other work
    /// is requested again, even if it may already have been paid for. What the failed task
    /// cost stays with it.
    pub fn of_retry(&self) -> Self {
        match self.receipts.is_empty() {
            true => Self::default(),
            false => Self {
                is_inherited: true,
                usage: BTreeMap::new(),
                last_link: None,
                ..self.clone()
            },
        }
    }

    /// The receipt that the last call of this link stored.
    pub fn receipt(&self, link: &str) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.receipts.get(link)?).ok()
    }

    /// Whether a call of this link may have to be paid for again: an earlier call may
    /// have been accepted, and the link has no receipt to resume it with.
    pub fn is_repeat(&self, link: &str) -> bool {
        self.calls > 0 && !self.receipts.contains_key(link)
    }

    /// The state when a call of a link is about to be sent, which may be accepted. `price`:
    /// of one call. None: it is unknown.
    #[must_use]
    pub fn call_begun(&self, link: &str, price: Option<MicroDollars>) -> Self {
        let mut begun = Self {
            calls: self.calls.saturating_add(1),
            is_inherited: false,
            lacked_memory: false,
            last_link: Some(link.to_owned()),
            ..self.clone()
        };
        begun.usage.entry(link.to_owned()).or_default().begin(price);
        begun
    }

    /// Whether nobody knows what became of some call, and no receipt can show it.
    pub fn has_open_calls(&self) -> bool {
        let mut usage = self.usage.iter();
        usage.any(|(link, usage)| usage.is_open() && !self.receipts.contains_key(link))
    }

    /// The state when another model is called: gives up on learning what became of those calls,
    /// so that its answer does not settle them.
    #[must_use]
    pub fn open_calls_abandoned(&self) -> Self {
        let mut abandoned = self.clone();
        for (link, usage) in &mut abandoned.usage {
            if !self.receipts.contains_key(link) {
                usage.abandon();
            }
        }
        abandoned
    }

    /// The price of the last call of a link, unless it is known what became of that call.
    pub fn open_price(&self, link: &str) -> Option<MicroDollars> {
        self.usage.get(link)?.open_price()
    }

    /// The state when there was no memory for the rest of the last call's answer.
    #[must_use]
    pub fn call_lacked_memory(&self) -> Self {
        Self {
            lacked_memory: true,
            ..self.clone()
        }
    }

    /// The state when the last call of a link was not accepted.
    #[must_use]
    pub fn call_not_accepted(&self, link: &str) -> Self {
        let mut refused = Self {
            calls: self.calls.saturating_sub(1),
            ..self.clone()
        };
        if let Some(usage) = refused.usage.get_mut(link) {
            usage.refuse();
        }
        refused
    }

    /// The state when a link stores this receipt, replacing its previous one: its last call
    /// was accepted.
    ///
    /// # Errors
    ///
    /// The receipt cannot be stored.
    pub fn with_receipt(&self, link: &str, receipt: &[u8]) -> Result<Self, TooLarge> {
        let mut kept = self.clone();
        kept.receipts
            .insert(link.to_owned(), BASE64_STANDARD.encode(receipt));
        if let Some(usage) = kept.usage.get_mut(link) {
            usage.receive();
        }
        let fits = receipt.len() <= MAX_RECEIPT
            && link.len() <= MAX_LINK
            && kept.receipts.len() <= MAX_RECEIPTS;
        if fits { Ok(kept) } else { Err(TooLarge) }
    }

    /// The state when a link discards its receipt and requests new work. `is_never`:
    /// nothing may be paid for twice. For a retry the operator has allowed it, so it
    /// begins as if its failed task had no record.
    ///
    /// # Errors
    ///
    /// An earlier call of this task may have been accepted.
    pub fn given_up(
        &self,
        link: &str,
        is_never: bool,
        price: Option<MicroDollars>,
    ) -> Result<Self, NotAskedTwice> {
        let mut left = self.clone();
        left.receipts.remove(link);
        match self.is_inherited {
            true => left.calls = 0,
            false if is_never && self.calls > 0 => return Err(NotAskedTwice),
            false => {}
        }
        Ok(left.call_begun(link, price))
    }

    /// The state when a link has answered, whatever becomes of its answer: its last call was
    /// accepted, and nothing will show what became of those of other links. None: no price was
    /// open.
    pub fn call_answered(&self, link: &str) -> Option<Self> {
        let mut answered = self.clone();
        if let Some(usage) = answered.usage.get_mut(link).filter(|usage| usage.is_open()) {
            usage.receive();
        }
        let answered = answered.open_calls_abandoned();
        (answered != *self).then_some(answered)
    }

    /// The state when a link says what a piece of its work cost.
    #[must_use]
    pub fn with_usage(&self, link: &str, usage: &Usage) -> Self {
        let mut used = self.clone();
        used.usage.entry(link.to_owned()).or_default().add(usage);
        used
    }

    /// What the work of all links cost, as far as it is known.
    pub fn total_usage(&self) -> Option<Usage> {
        let links = self.usage.values().map(LinkUsage::total);
        let total = links.fold(Usage::default(), Usage::plus);
        (total != Usage::default()).then_some(total)
    }

    /// What is spent with each link, and what may have been.
    pub fn bookings(&self) -> impl Iterator<Item = Booking> {
        self.usage.iter().map(|(link, usage)| Booking {
            model: link.clone(),
            change: usage.spending(),
        })
    }

    /// Whether no call may have cost anything.
    pub fn is_free(&self) -> bool {
        let mut usage = self.usage.values();
        self.calls == 0 && usage.all(|usage| usage.spending().is_none())
    }

    /// What is left of the state when the task is completed: its last call was accepted.
    #[must_use]
    pub fn completed(&self) -> Self {
        let mut usage = self.usage.clone();
        if let Some(last) = self.last_link.as_ref().and_then(|link| usage.get_mut(link)) {
            last.accept();
        }
        Self {
            usage,
            ..Self::default()
        }
    }

    /// The note for the user.
    pub fn note(&self) -> Option<String> {
        (self.calls > 1).then(|| {
            let calls = self.calls;
            format!(
                "The provider was asked more than once ({calls} times), and may charge for each."
            )
        })
    }
}

/// The key by which a model identifies the call whose receipt it stores.
pub fn receipt_key(lease: &Lease) -> String {
    format!("{}/{}", lease.task_id, lease.attempt)
}

/// The call (as its lease) and the link in such a key; the link is empty if it is
/// missing. None: not a valid key.
pub fn keyed_call(key: &str) -> Option<(Lease, &str)> {
    let (task_id, rest) = key.split_once('/')?;
    let (attempt, link) = rest.split_once('/').unwrap_or((rest, ""));
    let lease = Lease {
        task_id: task_id.to_owned(),
        attempt: attempt.parse().ok()?,
        until: Timestamp::default(),
        renew_after: 0,
    };
    Some((lease, link))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+`: a call of `a` begins; `-`: it was not accepted; otherwise a link that stores a
    /// receipt.
    fn after(steps: &[&str]) -> Payment {
        steps
            .iter()
            .fold(Payment::default(), |payment, step| match *step {
                "+" => payment.call_begun("a", Some(MicroDollars(60))),
                "-" => payment.call_not_accepted("a"),
                link => payment.with_receipt(link, &[0, 255]).unwrap(),
            })
    }

    #[test]
    fn a_call_is_a_repeat_unless_none_was_accepted_or_it_has_a_receipt() {
        for (name, steps, is_repeat, is_told) in [
            ("none", vec![], false, false),
            ("under way", vec!["+"], true, false),
            ("not accepted", vec!["+", "-"], false, false),
            ("under way, by its receipt", vec!["+", "a"], false, false),
            ("another link's receipt", vec!["+", "b"], true, false),
            ("repeated", vec!["+", "+"], true, true),
            (
                "repeated, and then not accepted",
                vec!["+", "+", "-"],
                true,
                false,
            ),
            ("a receipt before any call", vec!["a"], false, false),
        ] {
            let payment = after(&steps);
            assert_eq!(payment.is_repeat("a"), is_repeat, "{name}");
            assert_eq!(payment.note().is_some(), is_told, "{name}");
        }
        let told = "The provider was asked more than once (2 times), and may charge for each.";
        assert_eq!(after(&["+", "+"]).note().as_deref(), Some(told));
    }

    #[test]
    fn an_answer_shows_that_its_call_was_accepted() {
        let price = |payment: &Payment| payment.usage["a"].spending().spent;
        let begun = after(&["+"]);
        let answered = begun.call_answered("a").unwrap();
        assert_eq!((price(&begun), price(&answered)), (0, 60));
        assert_eq!(answered.call_answered("a"), None, "it is known");
        assert_eq!(answered.call_answered("b"), None, "another link");
        assert_eq!(after(&["+", "a"]).call_answered("a"), None, "its receipt");
        // As a middleware does by itself, whose model may have been paid.
        let by_itself = begun.call_answered("b").unwrap().completed();
        let spending = by_itself.usage["a"].spending();
        assert_eq!((spending.spent, spending.reserved), (0, 60));
        let free = Payment::default().call_begun("a", Some(MicroDollars(0)));
        let cost = |payment: Payment| payment.total_usage().and_then(|usage| usage.cost);
        assert_eq!(cost(free.clone()), None);
        assert_eq!(cost(free.call_answered("a").unwrap()), Some(0));
        let unpriced = Payment::default().call_begun("a", None);
        assert_eq!(unpriced.call_answered("a"), None, "it has no price");
        // What its provider says later counts in place of the price.
        let usage = Usage {
            cost: Some(40),
            ..Usage::default()
        };
        assert_eq!(price(&answered.with_usage("a", &usage)), 40);
        assert_eq!(price(&answered.completed()), 60);
    }

    fn priced(price: u64) -> Usage {
        Usage {
            cost: Some(price),
            ..Usage::default()
        }
    }

    /// The calls of a task: of whom, and what becomes of each. `free` and `own` have no provider,
    /// and `own` has a price.
    fn of_chain(calls: &[(&str, &str)]) -> Payment {
        calls
            .iter()
            .fold(Payment::default(), |before, (link, outcome)| {
                let left = before.open_calls_abandoned();
                let begun = match *link {
                    "free" | "own" => left,
                    _ => left.call_begun(link, Some(MicroDollars(60))),
                };
                match *outcome {
                    "answered" if *link == "own" => begun.with_usage(link, &priced(2)),
                    "refused" => begun.call_not_accepted(link),
                    "receipt" => begun.with_receipt(link, b"1").unwrap(),
                    "answered" => begun.call_answered(link).unwrap_or(begun),
                    _ => begun,
                }
            })
    }

    #[test]
    fn an_answer_settles_the_call_of_its_own_model_alone() {
        let (perhaps, refused) = (("fast", "perhaps"), ("fast", "refused"));
        let (receipt, answered) = (("fast", "receipt"), ("fast", "answered"));
        let slow = |outcome| ("slow", outcome);
        let (free, own) = (("free", "answered"), ("own", "answered"));
        for (name, calls, cost, reserved) in [
            ("free", &[free][..], None, 0),
            ("perhaps, free", &[perhaps, free], None, 60),
            ("refused, free", &[refused, free], None, 0),
            (
                "perhaps twice, free",
                &[perhaps, slow("perhaps"), free],
                None,
                120,
            ),
            (
                "refused, perhaps, free",
                &[refused, slow("perhaps"), free],
                None,
                60,
            ),
            ("perhaps, paid", &[perhaps, slow("answered")], Some(60), 60),
            // Whose answer could not be noted.
            ("perhaps, paid at last", &[perhaps, slow("")], Some(60), 60),
            ("perhaps, own", &[perhaps, own], Some(2), 60),
            ("perhaps, again", &[perhaps, answered], Some(60), 60),
            ("a receipt, free", &[receipt, free], Some(60), 0),
            ("answered in vain, free", &[answered, free], Some(60), 0),
        ] {
            let completed = of_chain(calls).completed();
            let spent = completed.total_usage().and_then(|usage| usage.cost);
            assert_eq!(spent, cost, "{name}");
            let bookings = completed.bookings();
            let kept: i64 = bookings.map(|booking| booking.change.reserved).sum();
            assert_eq!(kept, reserved, "{name}");
        }
    }

    #[test]
    fn a_call_with_a_receipt_is_settled_by_the_one_that_goes_on_with_it() {
        let kept = of_chain(&[("fast", "receipt")]).call_not_accepted("fast");
        let again = kept.call_begun("fast", Some(MicroDollars(60)));
        assert!(!again.has_open_calls());
        assert_eq!(again.open_calls_abandoned(), again);
        assert!(again.call_answered("fast").is_some());
    }

    #[test]
    fn a_model_without_a_provider_is_none_that_was_asked() {
        for (name, payment, calls, is_free) in [
            ("none", Payment::default(), 0, true),
            ("not answered", of_chain(&[("own", "")]), 0, true),
            ("answered", of_chain(&[("own", "answered")]), 0, false),
            (
                "of no price",
                Payment::default().with_usage("own", &priced(0)),
                0,
                true,
            ),
            (
                "after a provider",
                of_chain(&[("fast", ""), ("own", "answered")]),
                1,
                false,
            ),
            ("a provider", of_chain(&[("fast", "")]), 1, false),
            ("not accepted", of_chain(&[("fast", "refused")]), 0, true),
        ] {
            assert_eq!(payment.calls, calls, "{name}");
            assert_eq!(payment.is_free(), is_free, "{name}");
            assert_eq!(payment.note(), None, "{name}");
            assert_eq!(payment.is_repeat("own"), calls > 0, "{name}");
        }
    }

    #[test]
    fn it_reads_back_from_json() {
        let json = |payment: &Payment| serde_json::to_string(payment).unwrap();
        let read = |json: &str| serde_json::from_str::<Payment>(json).unwrap();
        assert!(Payment::default().is_empty());
        assert_eq!(read("{}"), Payment::default());
        let payment = after(&["+", "fast"]);
        let stored = r#"{"calls":1,"receipts":{"fast":"AP8="},"usage":{"a":{"perhaps":{"reserved":60},"open":{"price":60}}},"last_link":"a"}"#;
        assert_eq!(json(&payment), stored);
        assert_eq!(read(stored), payment);
        assert!(!payment.is_empty());
        assert_eq!(payment.receipt("fast"), Some(vec![0, 255]));
        assert_eq!(payment.receipt(""), None);
        let lacking = payment.call_lacked_memory();
        assert_eq!(read(&json(&lacking)), lacking);
        assert!(lacking.lacked_memory && !lacking.call_begun("a", None).lacked_memory);
        let usage = Usage {
            cost: Some(0),
            output_tokens: Some(7),
            ..Usage::default()
        };
        let used = payment
            .with_usage("fast", &usage)
            .with_usage("fast", &usage);
        let stored = r#"{"calls":1,"receipts":{"fast":"AP8="},"usage":{"a":{"perhaps":{"reserved":60},"open":{"price":60}},"fast":{"sum":{"cost":0,"output_tokens":14}}},"last_link":"a"}"#;
        assert_eq!(json(&used), stored);
        assert_eq!(read(stored), used);
        let completed = used.completed();
        assert_eq!((completed.calls, completed.receipt("fast")), (0, None));
        let accepted =
            r#"{"usage":{"a":{"sum":{"cost":60}},"fast":{"sum":{"cost":0,"output_tokens":14}}}}"#;
        assert_eq!(json(&completed), accepted);
        let later = r#"{"calls":2,"spent":"0.06"}"#;
        assert_eq!(json(&read(later)), later);
    }

    #[test]
    fn receipts_are_few_and_small() {
        let mut payment = Payment::default();
        let largest = vec![0; MAX_RECEIPT];
        for number in 0..MAX_RECEIPTS {
            payment = payment.with_receipt(&number.to_string(), &largest).unwrap();
        }
        for (name, link, receipt) in [
            ("one too many", "a", vec![]),
            ("too large", "0", vec![0; MAX_RECEIPT + 1]),
        ] {
            assert_eq!(
                payment.with_receipt(link, &receipt),
                Err(TooLarge),
                "{name}"
            );
        }
        let replaced = payment.with_receipt("0", b"new").unwrap();
        assert_eq!(replaced.receipt("0").unwrap(), b"new");
    }

    #[test]
    fn a_receipt_is_given_up_for_new_work_where_that_may_be_paid_for() {
        let own = after(&["+", "a", "b"]);
        let none = after(&["a", "b"]);
        for (name, payment, is_never, calls) in [
            ("its own", own.clone(), false, Some(2)),
            ("its own, never", own.clone(), true, None),
            ("no call was accepted, never", none, true, Some(1)),
            ("of a retry", own.of_retry(), false, Some(1)),
            ("of a retry, never", own.of_retry(), true, Some(1)),
            (
                "of a retry that has asked another link, never",
                own.of_retry().call_begun("b", None),
                true,
                None,
            ),
        ] {
            let left = payment.given_up("a", is_never, None);
            assert_eq!(left.as_ref().ok().map(|left| left.calls), calls, "{name}");
            if let Ok(left) = left {
                assert_eq!(
                    (left.receipt("a"), left.receipt("b").is_some()),
                    (None, true)
                );
                // The work that it requests now is its own.
                assert_eq!(left.given_up("b", true, None), Err(NotAskedTwice), "{name}");
            }
        }
        let retry = own.of_retry();
        let json = serde_json::to_string(&retry).unwrap();
        assert_eq!(serde_json::from_str::<Payment>(&json).unwrap(), retry);
        assert_eq!(after(&["+"]).of_retry(), Payment::default());
        let usage = Usage {
            cost: Some(60_000),
            ..Usage::default()
        };
        let used = own.with_usage("a", &usage);
        assert_eq!(used.of_retry(), retry, "it would be counted twice");
    }

    #[test]
    fn a_key_names_one_call_and_its_link() {
        let lease = Lease {
            task_id: "6f1c".to_owned(),
            attempt: 3,
            until: Timestamp::default(),
            renew_after: 0,
        };
        let key = receipt_key(&lease);
        assert_eq!(keyed_call(&key), Some((lease.clone(), "")));
        assert_eq!(
            keyed_call(&format!("{key}/outer/inner")),
            Some((lease, "outer/inner"))
        );
        for odd in ["", "6f1c", "6f1c/", "6f1c/x", "6f1c/-1/a"] {
            assert_eq!(keyed_call(odd), None, "{odd}");
        }
    }
}
