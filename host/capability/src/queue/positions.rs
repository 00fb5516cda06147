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

/// When the store is asked again for a task that it did not name: it may be a new one.
const MIN_AGE: Duration = Duration::from_millis(200);

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
    /// Whether there were no others.
    is_complete: bool,
    at: Instant,
}

impl Known {
    /// Whether it still tells of this task.
    fn is_fresh(&self, task_id: &str) -> bool {
        let may_be_new = self.is_complete && !self.positions.contains_key(task_id);
        let max_age = if may_be_new { MIN_AGE } else { MAX_AGE };
        self.at.elapsed() <= max_age
    }
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
        let fresh = known.take_if(|known| known.is_fresh(task_id));
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
        let order = order.ok().and_then(Result::ok);
        let positions: HashMap<_, _> = order.iter().flatten().cloned().zip(1..).collect();
        Known {
            is_complete: order.is_some() && positions.len() < FURTHEST as usize,
            positions,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_store_is_asked_again_soon_for_a_task_that_may_be_new() {
        for (task, is_complete, age, expected) in [
            ("known", true, MAX_AGE, true),
            ("known", true, MAX_AGE + Duration::from_millis(1), false),
            ("other", true, MIN_AGE, true),
            ("other", true, MIN_AGE + Duration::from_millis(1), false),
            ("other", false, MAX_AGE, true),
        ] {
            let known = Known {
                positions: HashMap::from([("known".to_owned(), 1)]),
                is_complete,
                at: Instant::now(),
            };
            tokio::time::advance(age).await;
            assert_eq!(
                known.is_fresh(task),
                expected,
                "{task} {is_complete} {age:?}"
            );
        }
    }
}
