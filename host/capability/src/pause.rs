//! Whether an operator has paused the queue, as far as this process knows.
//!
//! The store decides: while the queue is paused, it refuses claims. This only saves
//! workers and pushes the attempt.

use tokio::sync::watch;

/// Whether the queue is paused.
#[derive(Debug, Default)]
pub struct Pause(watch::Sender<bool>);

impl Pause {
    /// Records what the store says.
    pub fn set(&self, is_paused: bool) {
        self.0
            .send_if_modified(|state| std::mem::replace(state, is_paused) != is_paused);
    }

    /// Whether it is paused.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when it is (`true`) or is not (`false`) paused.
    pub async fn becomes(&self, is_paused: bool) {
        let mut state = self.0.subscribe();
        // The sender lives as long as this borrow.
        let _ = state.wait_for(|state| *state == is_paused).await;
    }
}
