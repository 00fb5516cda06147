//! What the work for a task cost: what providers say, else the price. What is unknown is
//! never zero.

use std::ops::Not;

use serde::{Deserialize, Serialize};

use crate::document::{OtherFields, is_zero};
use crate::money::MicroDollars;
use crate::spending::Spending;

/// Largest number that is kept, as of a sum: the largest that each reader of JSON keeps.
const MAX: u64 = (1 << 53) - 1;

/// What one piece of work cost, or the sum of several. None: unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// In micro-dollars: millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
    /// What the model read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// What the model wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// What the calls of one link cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUsage {
    /// What is known of calls that were accepted.
    #[serde(default, skip_serializing_if = "is_zero")]
    sum: Usage,
    /// The prices of calls of which nobody knows whether they were accepted, and the number
    /// of calls of an unknown price.
    #[serde(default, skip_serializing_if = "Spending::is_none")]
    perhaps: Spending,
    /// The last call, until it is known whether it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenCall>,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenCall {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<MicroDollars>,
    /// It was accepted, as a receipt or an answer shows, but its provider may still say what
    /// it costs.
    #[serde(default, rename = "has_receipt", skip_serializing_if = "Not::not")]
    is_accepted: bool,
}

impl LinkUsage {
    /// A call of this price is about to be sent.
    pub(super) fn begin(&mut self, price: Option<MicroDollars>) {
        *self = self.settled();
        self.perhaps = self.perhaps.plus(Spending::of_call(price));
        self.open = Some(OpenCall {
            price,
            is_accepted: false,
        });
    }

    /// The last call was accepted, as the receipt of its work or an answer shows. It costs its
    /// price, unless its provider says later what it costs.
    pub(super) fn receive(&mut self) {
        if let Some(call) = &mut self.open {
            call.is_accepted = true;
        }
    }

    /// Nothing will show any more whether the last call was accepted: its price stays reserved.
    pub(super) fn abandon(&mut self) {
        if self.is_open() {
            self.open = None;
        }
    }

    /// Whether the last call has a price, and nothing shows yet that it was accepted.
    pub(super) fn is_open(&self) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|call| call.price.is_some() && !call.is_accepted)
    }

    /// The same if the provider says no more of the last call.
    fn settled(&self) -> Self {
        let mut settled = self.clone();
        if self.open.as_ref().is_some_and(|call| call.is_accepted) {
            settled.accept();
        }
        settled
    }

    /// What is known of calls that were accepted.
    pub(super) fn total(&self) -> Usage {
        self.settled().sum
    }

    /// The last call was not accepted.
    pub(super) fn refuse(&mut self) {
        if let Some(OpenCall { price, .. }) = self.open.take() {
            self.perhaps = self.perhaps.minus(Spending::of_call(price));
        }
    }

    /// The last call was accepted: it costs its price, unless its provider says what it
    /// costs.
    pub(super) fn accept(&mut self) {
        let call = self.open.take();
        if let Some(price) = call.and_then(|call| call.price) {
            self.perhaps = self.perhaps.minus(Spending::reserved(price));
            self.sum.cost = sum(self.sum.cost, Some(price.0));
        }
    }

    /// The provider says what a piece of the last call's work cost.
    pub(super) fn add(&mut self, usage: &Usage) {
        match usage.cost {
            Some(_) => self.refuse(),
            None => self.accept(),
        }
        self.sum = self.sum.plus(*usage);
    }

    /// The price of the last call, until it is known whether it was accepted.
    pub(super) fn open_price(&self) -> Option<MicroDollars> {
        self.open.as_ref()?.price
    }

    /// What is spent, what may have been, and what nobody knows.
    pub fn spending(&self) -> Spending {
        let Self { sum, perhaps, .. } = self.settled();
        perhaps.plus(Spending::spent(MicroDollars(sum.cost.unwrap_or_default())))
    }
}

impl Usage {
    /// Of work that was not accepted.
    pub const NOTHING: Self = Self {
        cost: Some(0),
        input_tokens: None,
        output_tokens: None,
    };

    /// What is known of both.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            cost: sum(self.cost, other.cost),
            input_tokens: sum(self.input_tokens, other.input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
        }
    }
}

/// What is known of both.
fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    let known = one.into_iter().chain(other);
    known.reduce(u64::saturating_add).map(|sum| sum.min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a link.
    #[derive(Clone, Copy)]
    enum Step {
        Begin(Option<u64>),
        Refuse,
        Accept,
        Receipt,
        Abandon,
        Cost(Option<u64>),
    }

    #[test]
    fn each_call_counts_once_by_what_is_known_of_it() {
        use Step::{Abandon, Accept, Begin, Cost, Receipt, Refuse};
        const PRICED: Step = Begin(Some(60));
        const DEARER: Step = Begin(Some(70));
        const UNPRICED: Step = Begin(None);
        let said = |cost| Cost(Some(cost));
        let huge = said(u64::MAX);
        for (name, steps, cost, reserved, unknown) in [
            ("none", &[][..], None, 0, 0),
            ("under way", &[PRICED], None, 60, 0),
            ("refused", &[PRICED, Refuse], None, 0, 0),
            ("accepted", &[PRICED, Accept], Some(60), 0, 0),
            ("said", &[PRICED, said(40)], Some(40), 0, 0),
            ("said to be free", &[PRICED, said(0)], Some(0), 0, 0),
            ("dearer", &[PRICED, said(99)], Some(99), 0, 0),
            ("tokens alone", &[PRICED, Cost(None)], Some(60), 0, 0),
            ("by its receipt", &[PRICED, Receipt], Some(60), 0, 0),
            (
                "kept, and said",
                &[PRICED, Receipt, said(40)],
                Some(40),
                0,
                0,
            ),
            (
                "kept, and asked again",
                &[PRICED, Receipt, PRICED],
                Some(60),
                60,
                0,
            ),
            (
                "two pieces of work",
                &[PRICED, said(40), said(2), Accept],
                Some(42),
                0,
                0,
            ),
            ("perhaps twice", &[PRICED, PRICED], None, 120, 0),
            ("perhaps, again", &[PRICED, PRICED, Accept], Some(60), 60, 0),
            ("perhaps, refused", &[PRICED, PRICED, Refuse], None, 60, 0),
            ("another price", &[PRICED, DEARER, Accept], Some(70), 60, 0),
            ("abandoned", &[PRICED, Abandon, Accept], None, 60, 0),
            (
                "kept, and abandoned",
                &[PRICED, Receipt, Abandon],
                Some(60),
                0,
                0,
            ),
            (
                "abandoned, again",
                &[PRICED, Abandon, PRICED, Accept],
                Some(60),
                60,
                0,
            ),
            ("unpriced, abandoned", &[UNPRICED, Abandon], None, 0, 1),
            ("unpriced", &[UNPRICED], None, 0, 1),
            ("unpriced, accepted", &[UNPRICED, Accept], None, 0, 1),
            ("unpriced, refused", &[UNPRICED, Refuse], None, 0, 0),
            ("unpriced, kept", &[UNPRICED, Receipt], None, 0, 1),
            ("unpriced, said", &[UNPRICED, said(5)], Some(5), 0, 0),
            ("unpriced, tokens", &[UNPRICED, Cost(None)], None, 0, 1),
            ("of no call", &[said(5), Refuse, Accept], Some(5), 0, 0),
            ("absurd", &[UNPRICED, huge, said(1)], Some(MAX), 0, 0),
        ] {
            let mut link = LinkUsage::default();
            for step in steps {
                match *step {
                    Begin(price) => link.begin(price.map(MicroDollars)),
                    Refuse => link.refuse(),
                    Accept => link.accept(),
                    Receipt => link.receive(),
                    Abandon => link.abandon(),
                    Cost(cost) => link.add(&Usage {
                        cost,
                        output_tokens: Some(7),
                        ..Usage::default()
                    }),
                }
            }
            let expected = Spending {
                spent: cost.map_or(0, u64::cast_signed),
                reserved,
                unknown_calls: unknown,
            };
            let total = (link.total().cost, link.spending());
            assert_eq!(total, (cost, expected), "{name}");
            let json = serde_json::to_string(&link).unwrap();
            let read: LinkUsage = serde_json::from_str(&json).unwrap();
            assert_eq!(read, link, "{name}");
        }
    }
}
