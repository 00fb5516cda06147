//! Counts the tasks of a user per calendar window.
//!
//! All kinds of windows are counted even without a quota, so that counts are
//! right when an operator sets or changes one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Window;
use crate::timestamp::Timestamp;

/// The count of a window that has ended stays this long, in case the clock is
/// set back.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Of one user, for a store that holds all of a user's counts together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usage(Vec<Count>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    /// `hour`, `day` or `month`.
    window: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
    used: u32,
}

impl Usage {
    /// In the window that `now` lies in.
    pub fn used(&self, window: Window, now: Timestamp) -> u32 {
        let starts_at = window.start(now);
        let mut counts = self.0.iter();
        counts
            .find(|count| count.is_of(window, starts_at))
            .map_or(0, |count| count.used)
    }

    /// Counts one more task.
    pub fn add(&mut self, now: Timestamp) {
        self.0.retain(|count| count.ends_at.plus(RETENTION) > now);
        for window in Window::ALL {
            let starts_at = window.start(now);
            let mut counts = self.0.iter_mut();
            match counts.find(|count| count.is_of(window, starts_at)) {
                Some(count) => count.used = count.used.saturating_add(1),
                None => self.0.push(Count {
                    window: window.as_str().to_owned(),
                    starts_at,
                    ends_at: window.end(now),
                    used: 1,
                }),
            }
        }
    }

    /// When none of the counts matters any longer, if none is added after `now`.
    pub fn ends_at(now: Timestamp) -> Timestamp {
        Window::Month.end(now).plus(RETENTION)
    }

    /// Takes back the count of a task that was created at that time.
    pub fn give_back(&mut self, created_at: Timestamp) {
        for count in &mut self.0 {
            let is_its = |window: Window| count.is_of(window, window.start(created_at));
            if Window::ALL.into_iter().any(is_its) {
                count.used = count.used.saturating_sub(1);
            }
        }
    }
}

impl Count {
    fn is_of(&self, window: Window, starts_at: Timestamp) -> bool {
        self.window == window.as_str() && self.starts_at == starts_at
    }
}
