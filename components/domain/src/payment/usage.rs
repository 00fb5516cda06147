//! What providers say that the work for a task cost. What is unknown is never zero.

use serde::{Deserialize, Serialize};

use crate::document::{OtherFields, is_zero};

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

/// What the work of one link cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUsage {
    /// How many pieces of work had a known cost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priced: u32,
    /// What is known of all of them.
    #[serde(flatten)]
    pub sum: Usage,
    /// Fields that only a later version knows.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl LinkUsage {
    /// Adds a piece of work.
    pub(super) fn add(&mut self, usage: &Usage) {
        self.priced = self.priced.saturating_add(u32::from(usage.cost.is_some()));
        self.sum = self.sum.plus(*usage);
    }
}

impl Usage {
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

    #[test]
    fn what_is_unknown_adds_nothing_and_stays_unknown() {
        let cost = |cost| Usage {
            cost,
            ..Usage::default()
        };
        for (name, costs, priced, expected) in [
            ("none", vec![], 0, None),
            ("unknown", vec![None, None], 0, None),
            ("free", vec![Some(0)], 1, Some(0)),
            (
                "some known",
                vec![Some(60_000), None, Some(1)],
                2,
                Some(60_001),
            ),
            ("absurd", vec![Some(u64::MAX), Some(u64::MAX)], 2, Some(MAX)),
            ("absurd once", vec![Some(u64::MAX)], 1, Some(MAX)),
        ] {
            let mut link = LinkUsage::default();
            for added in costs {
                link.add(&cost(added));
            }
            assert_eq!((link.priced, link.sum), (priced, cost(expected)), "{name}");
        }
    }
}
