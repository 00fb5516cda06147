//! A plan of users, as a Rust value.

use std::collections::BTreeMap;

use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::quota::Quota;

use super::or_unlimited;

/// What the users of a plan may do. What it does not say is as for users without a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a configuration gets it by `ConfigBuilder::plans`"]
pub struct Plan(BTreeMap<String, String>);

impl Plan {
    /// One that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// By the keys used in the file.
    pub(super) fn settings(self) -> BTreeMap<String, String> {
        self.0
    }

    fn set(mut self, key: &str, value: String) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }
}

text_setters! {
    Plan {
        /// Refinements per user. None: unlimited.
        rate_limit(limit: Option<Quota>) = or_unlimited(limit);

        /// What a user may spend. None: unlimited.
        budget(budget: Option<Budget>) = or_unlimited(budget);

        /// How many tasks of a user may be pending or in progress at a time.
        active_tasks(tasks: u32) = tasks.to_string();
    }
}
