//! What an instance of the processor is at, for whoever stops it from outside.

use std::sync::{Arc, Mutex, PoisonError};

use concept_refinement_domain::capability::Lease;
use concept_refinement_domain::task::Stage;

/// The lease that an instance claimed last, for whoever has to release it when
/// the instance is stopped from outside.
#[derive(Clone, Default)]
pub struct ClaimedLease(Arc<Mutex<Option<Lease>>>);

/// The stage that an instance began last, for whoever has to know what stopping
/// it would leave behind.
#[derive(Clone, Default)]
pub struct LastStage(Arc<Mutex<Option<Stage>>>);

impl ClaimedLease {
    pub fn set(&self, lease: Option<Lease>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }

    pub fn take(&self) -> Option<Lease> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl LastStage {
    pub fn set(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
    }

    /// Whether the instance is at storing what it made. It is soon done with
    /// that, and it alone knows what to take back.
    pub fn is_storing(&self) -> bool {
        let stage = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match stage {
            Some(Stage::StoringImage | Stage::StoringConcept) => true,
            Some(Stage::Downloading | Stage::Refining) | None => false,
        }
    }
}
