//! How many tasks a user created in each calendar window.
//!
//! Counted whether or not there is a quota, in every kind of window, so that an
//! operator may change the quota and find the right count.

use std::time::Duration;

use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::Ledger;

/// A window that is over is kept this long, in case the clock is set back.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// `hour`, `day` or `month`.
    window: String,
    starts_at: Timestamp,
    ends_at: Timestamp,
    used: u32,
}

impl Ledger {
    /// How much of the quota is left. None: unlimited.
    pub fn quota_state(&self, quota: Option<Quota>, now: Timestamp) -> Option<QuotaState> {
        quota.map(|quota| quota.state(self.used(quota.window, now), now))
    }

    fn used(&self, window: Window, now: Timestamp) -> u32 {
        let starts_at = window.start(now);
        self.usage
            .iter()
            .find(|usage| usage.is_of(window, starts_at))
            .map_or(0, |usage| usage.used)
    }

    /// Counts one task more.
    pub(super) fn count(&mut self, now: Timestamp) {
        self.usage.retain(|usage| usage.ends_at.plus(KEPT) > now);
        for window in Window::ALL {
            let starts_at = window.start(now);
            match self
                .usage
                .iter_mut()
                .find(|usage| usage.is_of(window, starts_at))
            {
                Some(usage) => usage.used = usage.used.saturating_add(1),
                None => self.usage.push(Usage {
                    window: window.as_str().to_owned(),
                    starts_at,
                    ends_at: window.end(now),
                    used: 1,
                }),
            }
        }
    }

    /// Gives back what a task that was created then had used.
    pub(super) fn give_back(&mut self, created_at: Timestamp) {
        for window in Window::ALL {
            let starts_at = window.start(created_at);
            for usage in &mut self.usage {
                if usage.is_of(window, starts_at) {
                    usage.used = usage.used.saturating_sub(1);
                }
            }
        }
    }
}

impl Usage {
    fn is_of(&self, window: Window, starts_at: Timestamp) -> bool {
        self.window == window.as_str() && self.starts_at == starts_at
    }
}
