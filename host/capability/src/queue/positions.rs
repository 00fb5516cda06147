//! Where pending tasks are in the queue inside of a store, for clients that wait.
//!
//! One query tells it of all tasks, and its answer is used for a while: a thousand clients
//! that look again and again cost the store as much as one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::tasks::Maintenance;

/// Tasks that are further behind are told no position.
const FURTHEST: u32 = 1_000;

/// How old a position may be.
const MAX_AGE: Duration = Duration::from_secs(2);

/// How long a client waits for its position: it is told of its task in any case.
const PATIENCE: Duration = Duration::from_millis(500);

/// The positions of the tasks of one store.
pub struct Positions {
    store: Arc<dyn Maintenance>,
    /// Locked while the store is asked, so that all who come meanwhile get its answer.
    known: Mutex<Option<Known>>,
}

/// The positions by the ids of tasks, and when the store was asked for them.
struct Known {
    positions: HashMap<String, u32>,
    at: Instant,
}

impl Positions {
    /// Of the tasks of this store.
    pub fn of(store: Arc<dyn Maintenance>) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// None: it is not pending, not among the first 1,000, or the store has not answered.
    pub async fn position(&self, task_id: &str) -> Option<u32> {
        let mut known = self.known.lock().await;
        let fresh = known.take_if(|known| known.at.elapsed() <= MAX_AGE);
        let known = known.insert(match fresh {
            Some(known) => known,
            None => self.ask().await,
        });
        known.positions.get(task_id).copied()
    }

    /// A store that does not answer is not asked again at once either.
    async fn ask(&self) -> Known {
        let at = Instant::now();
        let order = timeout(PATIENCE, self.store.claim_order(FURTHEST)).await;
        let order = order.map_or_else(|_| Vec::new(), Result::unwrap_or_default);
        Known {
            positions: order.into_iter().zip(1..).collect(),
            at,
        }
    }
}
