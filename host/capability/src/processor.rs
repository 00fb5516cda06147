//! Works on one task: an instance of the processor component, or the same pipeline
//! without wasm.

use std::sync::Arc;

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::task::Stage;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::model::RetryLater;
use crate::slots::Slot;

/// Processes tasks.
pub trait Processor: Send + Sync {
    /// Begins to process the task that a message points to, in this slot.
    fn start(&self, message: Vec<u8>, slot: Slot) -> Run;
}

/// One task that is being processed.
pub struct Run {
    /// The lease that it holds.
    pub claimed: ClaimedLease,
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
    /// There was nothing to do: acknowledge it.
    Skipped,
    /// The message is invalid: acknowledge it, a retry cannot help.
    Rejected(String),
    /// A capability could not be used: deliver it again later.
    RetryLater(String),
}

/// The lease that a run claimed last, so that it can be released if the run is stopped
/// from outside.
#[derive(Clone, Default)]
pub struct ClaimedLease(Arc<Mutex<Option<Lease>>>);

/// The stage that a run began last, which says what would be left behind if it were
/// stopped now.
#[derive(Clone, Default)]
pub struct LastStage(Arc<Mutex<Option<Stage>>>);

impl ClaimedLease {
    /// Remembers the lease that was claimed, or that there is none.
    pub fn set(&self, lease: Option<Lease>) {
        *self.0.lock() = lease;
    }

    /// The lease; it stays here.
    pub fn get(&self) -> Option<Lease> {
        self.0.lock().clone()
    }

    /// Takes the lease, in order to release it.
    pub fn take(&self) -> Option<Lease> {
        self.0.lock().take()
    }
}

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
