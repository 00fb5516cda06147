//! What the simulation is broken with, to show that it notices.

use concept_refinement_tests::flaws;

use crate::oracle::Invariant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// One around the stores.
    Store(flaws::Flaw),
    /// A task more than the quota allows is created.
    QuotaNotCounted,
    /// A task that is taken back is counted all the same.
    QuotaNotGivenBack,
    /// A repeat creates another task.
    KeyForgotten,
    /// A user with an active task is given a second one.
    SecondActiveTask,
    /// A completed task is read as a failed one later on.
    FinalStateChanges,
    /// A task is gone once it is worked on.
    TaskVanishes,
    /// What was completed is not seen.
    ConceptUnseen,
    /// The concept of a task that is worked on is seen.
    ConceptSeenEarly,
    /// Two concepts of one task are listed.
    ConceptTwice,
    /// Half of an image is stored.
    HalfAnImage,
    /// Whatever is found is removed.
    ImageRemovedEarly,
    /// Nothing is ever removed.
    ImageLeftOver,
    /// The store cannot be used.
    OutOfReach,
    /// A provider is asked twice for one answer.
    ModelAskedTwice,
    /// Whoever claims a task is not told what its model kept.
    ReceiptForgotten,
    /// Whoever claims a task is told what was kept of another one.
    ReceiptOfAnother,
    /// A call is taken for one that was not accepted.
    MarkClearedEarly,
    /// What came of an attempt to deliver is not recorded.
    AttemptForgotten,
    /// Nothing is set aside for a task.
    ReservationLost,
    /// Whatever a task costs, it is created.
    BudgetIgnored,
    /// What a completed task cost is counted twice.
    SettledTwice,
    /// Calls of a failed task of which nobody knows whether they were accepted are dropped.
    PerhapsIsNothing,
}

impl Flaw {
    pub const ALL: [Self; 27] = [
        Self::Store(flaws::Flaw::ClaimAtomicity),
        Self::Store(flaws::Flaw::Fencing),
        Self::Store(flaws::Flaw::Forgetting),
        Self::Store(flaws::Flaw::Redelivery),
        Self::Store(flaws::Flaw::Silence),
        Self::QuotaNotCounted,
        Self::QuotaNotGivenBack,
        Self::KeyForgotten,
        Self::SecondActiveTask,
        Self::FinalStateChanges,
        Self::TaskVanishes,
        Self::ConceptUnseen,
        Self::ConceptSeenEarly,
        Self::ConceptTwice,
        Self::HalfAnImage,
        Self::ImageRemovedEarly,
        Self::ImageLeftOver,
        Self::OutOfReach,
        Self::ModelAskedTwice,
        Self::ReceiptForgotten,
        Self::ReceiptOfAnother,
        Self::MarkClearedEarly,
        Self::AttemptForgotten,
        Self::ReservationLost,
        Self::BudgetIgnored,
        Self::SettledTwice,
        Self::PerhapsIsNothing,
    ];

    /// What it breaks: the first of them in some schedule, and in others the rest.
    pub fn breaks(self) -> &'static [Invariant] {
        use Invariant::*;
        match self {
            Self::Store(flaws::Flaw::ClaimAtomicity) => &[OneWorker],
            Self::Store(flaws::Flaw::Fencing) => &[Fencing],
            Self::Store(flaws::Flaw::Forgetting) => &[StoredImage],
            Self::Store(flaws::Flaw::Redelivery | flaws::Flaw::Silence) => &[NothingStuck],
            // Its stores do not fail on the way, its users are not erased, and its hosts
            // have one clock.
            Self::Store(flaws::Flaw::Acceptance | flaws::Flaw::Remnant | flaws::Flaw::OwnClock) => {
                &[]
            }
            Self::QuotaNotCounted => &[ExactQuota],
            // It fails the task, which keeps its key.
            Self::QuotaNotGivenBack => &[ExactQuota, OneTaskAKey],
            Self::KeyForgotten => &[OneTaskAKey],
            Self::SecondActiveTask => &[OneActiveTask],
            Self::FinalStateChanges => &[OneFinalState],
            Self::TaskVanishes => &[NothingLost],
            Self::ConceptUnseen | Self::ConceptSeenEarly => &[VisibleIffCompleted],
            Self::ConceptTwice => &[OneConcept],
            Self::HalfAnImage | Self::ImageRemovedEarly => &[WholeImage],
            Self::ImageLeftOver => &[OneImage],
            Self::OutOfReach => &[Answers],
            Self::ModelAskedTwice => &[ModelCalls],
            // The work that is done again costs again.
            Self::ReceiptForgotten => &[PaidOnce, ExactSpending],
            // A task that was paid for is given back.
            Self::MarkClearedEarly => &[PaidOnce, ExactQuota, ExactSpending],
            Self::ReceiptOfAnother => &[WholeImage, PaidOnce],
            Self::AttemptForgotten => &[Deliveries],
            Self::ReservationLost | Self::BudgetIgnored | Self::SettledTwice => &[ExactSpending],
            // The quota is given back too.
            Self::PerhapsIsNothing => &[ExactSpending, ExactQuota],
        }
    }
}
