//! Works on one task: an instance of the processor component, or the same pipeline
//! without wasm.

use std::sync::Arc;

use concept_refinement_domain::capability::Claimed;
use concept_refinement_domain::task::Stage;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::model::RetryLater;
use crate::slots::Slot;
use crate::traces::Attempt;

/// Processes tasks.
pub trait Processor: Send + Sync {
    /// Begins to process a task that the caller has claimed, in this slot. The caller renews
    /// the lease meanwhile, and releases it if the outcome is [`Outcome::RetryLater`].
    /// `attempt`: where its spans belong.
    fn start(&self, claimed: Claimed, attempt: Attempt, slot: Slot) -> Run;
}

/// One task that is being processed.
pub struct Run {
    /// The stage that it has reached.
    pub stage: LastStage,
    /// Signals that its model cannot continue for now.
    pub retry_later: RetryLater,
    /// Dropping it cancels everything that the run has started. An error: the run ended
    /// early.
    pub outcome: BoxFuture<'static, anyhow::Result<Outcome>>,
}

/// The outcome for the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The task is completed or failed: acknowledge it.
    Done,
    /// The lease is lost, or the task was deleted: acknowledge it.
    Skipped,
    /// It cannot be processed: acknowledge it, a retry cannot help.
    Rejected(String),
    /// A capability could not be used: deliver it again later.
    RetryLater(String),
}

/// The stage that a run began last, which says what would be left behind if it were
/// stopped now.
#[derive(Clone, Default)]
pub struct LastStage(Arc<Mutex<Option<Stage>>>);

impl LastStage {
    /// Remembers the stage that began.
    pub fn set(&self, stage: Stage) {
        *self.0.lock() = Some(stage);
    }

    /// Whether the run is storing its result. It should not be stopped then: storing
    /// takes little time, and only the run knows what to clean up.
    pub fn is_storing(&self) -> bool {
        match *self.0.lock() {
            Some(Stage::StoringImage | Stage::StoringConcept) => true,
            Some(Stage::Downloading | Stage::Refining) | None => false,
        }
    }
}
