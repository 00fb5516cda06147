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

/// As many tasks are remembered that were asked for in vain.
const MAX_SOUGHT: usize = 10_000;

/// How long a client waits for its position: it is told of its task in any case.
const PATIENCE: Duration = Duration::from_millis(500);

/// The positions of the tasks of one store.
pub struct Positions {
    store: Arc<dyn Maintenance>,
    /// Locked while the store is asked, so that all who come meanwhile get its answer.
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    known: Option<Known>,
    /// Tasks that a full answer did not name, and since when they are asked for. One that a
    /// later answer does not name either is no new one.
    sought: HashMap<String, Instant>,
}

/// The positions by the ids of tasks, and when the store was asked for them.
struct Known {
    positions: HashMap<String, u32>,
    others: Others,
    at: Instant,
}

/// The tasks that an answer does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    /// There are none.
    Absent,
    /// There may be more than the first ones.
    Further,
    /// The store has not answered.
    Unknown,
}

impl Known {
    /// Whether it still tells of this task, which is asked for since then.
    fn is_fresh(&self, task_id: &str, since: Instant) -> bool {
        let may_be_new = match self.others {
            Others::Absent => true,
            Others::Further => since > self.at,
            Others::Unknown => false,
        };
        let max_age = match may_be_new && !self.positions.contains_key(task_id) {
            true => MIN_AGE,
            false => MAX_AGE,
        };
        self.at.elapsed() <= max_age
    }
}

impl Positions {
    /// Of the tasks of this store.
    pub fn of(store: Arc<dyn Maintenance>) -> Self {
        Self {
            store,
            told: Mutex::default(),
        }
    }

    /// None: it is not pending, not among the first 1,000, or the store has not answered.
    pub async fn position(&self, task_id: &str) -> Option<u32> {
        let mut told = self.told.lock().await;
        let Told { known, sought } = &mut *told;
        let now = Instant::now();
        let since = sought.get(task_id).copied().unwrap_or(now);
        let fresh = known.take_if(|known| known.is_fresh(task_id, since));
        let known = known.insert(match fresh {
            Some(known) => known,
            None => self.ask().await,
        });
        if known.others == Others::Absent || sought.len() >= MAX_SOUGHT {
            sought.clear();
        }
        let position = known.positions.get(task_id).copied();
        if position.is_none() && known.others == Others::Further {
            sought.entry(task_id.to_owned()).or_insert(now);
        }
        position
    }

    /// A store that does not answer is not asked again at once either.
    async fn ask(&self) -> Known {
        let at = Instant::now();
        let order = timeout(PATIENCE, self.store.claim_order(FURTHEST)).await;
        let order = order.ok().and_then(Result::ok);
        let positions: HashMap<_, _> = order.iter().flatten().cloned().zip(1..).collect();
        let others = match &order {
            None => Others::Unknown,
            Some(order) if order.len() < FURTHEST as usize => Others::Absent,
            Some(_) => Others::Further,
        };
        Known {
            positions,
            others,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_store_is_asked_again_soon_for_a_task_that_may_be_new() {
        use Others::{Absent, Further, Unknown};
        const MOMENT: Duration = Duration::from_millis(1);
        for (task, others, is_sought, age, expected) in [
            ("known", Absent, false, MAX_AGE, true),
            ("known", Absent, false, MAX_AGE + MOMENT, false),
            ("known", Further, false, MAX_AGE, true),
            ("other", Absent, false, MIN_AGE, true),
            ("other", Absent, false, MIN_AGE + MOMENT, false),
            ("other", Further, false, MIN_AGE, true),
            ("other", Further, false, MIN_AGE + MOMENT, false),
            ("other", Further, true, MAX_AGE, true),
            ("other", Further, true, MAX_AGE + MOMENT, false),
            ("other", Unknown, false, MAX_AGE, true),
        ] {
            let before = Instant::now();
            let known = Known {
                positions: HashMap::from([("known".to_owned(), 1)]),
                others,
                at: before,
            };
            tokio::time::advance(age).await;
            let since = if is_sought { before } else { Instant::now() };
            assert_eq!(
                known.is_fresh(task, since),
                expected,
                "{task} {others:?} {is_sought} {age:?}"
            );
        }
    }
}
