//! What users spent: sums over all of them, by user, by model or by day.

use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::words;

/// Most sums of an answer: about 10 MB.
pub const MAX_SUMS: u32 = 100_000;

// In requests, and as the name of a field.
words! {
    /// What sums are grouped by.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum UsageGroup {
        /// By user; who was erased, under the pseudonym.
        User = "user",
        /// By link of the model.
        Model = "model",
        /// By day in UTC, as `2026-11-20`.
        Day = "day",
    }
}

/// Which sums are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// What they are grouped by.
    pub group: UsageGroup,
    /// Of tasks that were submitted in the hour of this time or later.
    pub since: Option<Timestamp>,
    /// Of tasks that were submitted in hours that began before this time.
    pub until: Option<Timestamp>,
}

/// What one user, link or day cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSum {
    /// The user, the link or the day.
    pub name: String,
    /// The sums.
    pub spending: Spending,
}

impl UsageGroup {
    /// The fields of a sum: its name by the group, what is spent, what is reserved, and the
    /// calls of unknown price.
    pub fn fields(self) -> [&'static str; 4] {
        [self.as_str(), "spent", "reserved", "unknown_calls"]
    }
}
