//! Counts the tasks of a user per calendar window.
//!
//! All kinds of windows are counted even without a quota, so that the counts are right
//! when an operator sets or changes one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Quota, Window};
use crate::document::is_zero;
use crate::timestamp::Timestamp;

/// How long the count of a past window is kept, in case the clock is set back.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// All counts of one user, for a store that keeps them together.
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
    /// The quota of this window when the last task was counted. None: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// Tasks whose count was given back because they failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    refunds: u32,
}

/// Why the count of a task is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refund {
    /// The service could not accept the task.
    Always,
    /// The task failed before a provider had accepted or refused its request. To limit hopeless attempts, a user gets
    /// back at most the quota per window.
    UpToLimit,
}

impl Usage {
    /// The count in the window that contains `now`.
    pub fn used(&self, window: Window, now: Timestamp) -> u32 {
        let starts_at = window.start(now);
        let mut counts = self.0.iter();
        counts
            .find(|count| count.is_of(window, starts_at))
            .map_or(0, |count| count.used)
    }

    /// Counts another task, which was admitted by this quota.
    pub fn add(&mut self, quota: Option<Quota>, now: Timestamp) {
        self.0.retain(|count| count.ends_at.plus(RETENTION) > now);
        for window in Window::ALL {
            let limit = quota
                .filter(|quota| quota.window == window)
                .map(|quota| quota.limit);
            let starts_at = window.start(now);
            let mut counts = self.0.iter_mut();
            match counts.find(|count| count.is_of(window, starts_at)) {
                Some(count) => {
                    count.used = count.used.saturating_add(1);
                    count.limit = limit;
                }
                None => self.0.push(Count {
                    window: window.as_str().to_owned(),
                    starts_at,
                    ends_at: window.end(now),
                    used: 1,
                    limit,
                    refunds: 0,
                }),
            }
        }
    }

    /// When all counts are outdated, if none is added after `now`.
    pub fn ends_at(now: Timestamp) -> Timestamp {
        Window::Month.end(now).plus(RETENTION)
    }

    /// Gives back the count of a task that was created at this time. False: nothing was
    /// given back.
    pub fn refund(&mut self, created_at: Timestamp, refund: Refund) -> bool {
        let mut counts: Vec<_> = self
            .0
            .iter_mut()
            .filter(|count| count.includes(created_at))
            .collect();
        let is_limited = refund == Refund::UpToLimit;
        if is_limited && counts.iter().any(|count| count.is_refunded()) {
            return false;
        }
        for count in &mut counts {
            count.used = count.used.saturating_sub(1);
            count.refunds = count.refunds.saturating_add(u32::from(is_limited));
        }
        !counts.is_empty()
    }
}

impl Count {
    fn includes(&self, at: Timestamp) -> bool {
        let mut windows = Window::ALL.into_iter();
        windows.any(|window| self.is_of(window, window.start(at)))
    }

    /// Whether the limit of refunds is reached.
    fn is_refunded(&self) -> bool {
        self.limit.is_some_and(|limit| self.refunds >= limit)
    }

    fn is_of(&self, window: Window, starts_at: Timestamp) -> bool {
        self.window == window.as_str() && self.starts_at == starts_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_176_000_000_000);

    fn quota(limit: u32, window: Window) -> Option<Quota> {
        Some(Quota { limit, window })
    }

    fn used(usage: &Usage) -> [u32; 3] {
        Window::ALL.map(|window| usage.used(window, NOW))
    }

    #[test]
    fn what_is_given_back_is_taken_from_each_window_it_was_counted_in() {
        let mut usage = Usage::default();
        let created_at = Window::Hour.start(NOW);
        usage.add(quota(2, Window::Day), Timestamp(created_at.0 - 1));
        usage.add(quota(2, Window::Day), created_at);
        assert_eq!(used(&usage), [1, 2, 2]);
        assert!(usage.refund(created_at, Refund::UpToLimit));
        assert_eq!(used(&usage), [0, 1, 1]);
    }

    #[test]
    fn no_more_is_given_back_than_the_quota_of_any_window() {
        for (name, quota, refunds) in [
            ("a quota", quota(2, Window::Day), 2),
            ("the smallest one", quota(1, Window::Hour), 1),
            ("none", None, 5),
        ] {
            let mut usage = Usage::default();
            for _ in 0..5 {
                usage.add(quota, NOW);
            }
            let given_back = (0..5)
                .filter(|_| usage.refund(NOW, Refund::UpToLimit))
                .count();
            assert_eq!(given_back, refunds, "{name}");
            assert_eq!(used(&usage)[0] as usize, 5 - refunds, "{name}");
            let left = used(&usage)[0];
            usage.add(quota, NOW);
            assert!(usage.refund(NOW, Refund::Always), "{name}");
            assert_eq!(used(&usage)[0], left, "{name}");
        }
    }

    #[test]
    fn nothing_is_given_back_of_windows_that_are_forgotten() {
        let mut usage = Usage::default();
        assert!(!usage.refund(NOW, Refund::Always));
        usage.add(None, Usage::ends_at(NOW));
        assert!(!usage.refund(NOW, Refund::Always));
    }

    #[test]
    fn counts_from_before_there_were_refunds_are_read() {
        let mut usage = Usage::default();
        usage.add(None, NOW);
        let json = serde_json::to_string(&usage).unwrap();
        assert!(
            !json.contains("limit") && !json.contains("refunds"),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
    }
}
