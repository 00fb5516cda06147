//! Limits redeliveries requested by users, so that they leave permits for other users'
//! webhooks.
//!
//! Each host has its own limits, as it has its own permits for deliveries.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::permits::{Permit, Permits};
use crate::rate::{Buckets, Rate};

/// Redeliveries of all users at a time: half of the attempts that a host makes at once.
const AT_ONCE: usize = 32;

/// How long a permit is held: the longest that an attempt may take. The real end is known
/// only to the host that makes the attempt, which may be another one.
const LONGEST: Duration = Duration::from_secs(15);

/// Limit for one user: ten a minute.
const RATE: Rate = Rate {
    at_once: 10,
    interval: Duration::from_secs(6),
};

/// Limits how often users may request a redelivery.
pub struct Redeliveries {
    begin: Instant,
    /// By user.
    permits: Arc<Permits<String>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rates: Buckets<String>,
    /// The permits, each with the time at which it is freed, the oldest first.
    under_way: VecDeque<(Duration, Permit<String>)>,
}

impl Redeliveries {
    /// None: there are too many, and this user has its share of them. The last quarter of
    /// the permits is for users who have none, so no small group of users can hold all.
    pub fn admit(&self, user: &str, now: Instant) -> Option<Permit<String>> {
        let now = now.saturating_duration_since(self.begin);
        let mut state = self.state.lock();
        while state.under_way.front().is_some_and(|(end, _)| *end <= now) {
            state.under_way.pop_front();
        }
        let user = user.to_owned();
        if !self.permits.has_room_for(&user) {
            return None;
        }
        let permit = self.permits.take(None, Some(user.clone()))?;
        let taken = state.rates.take(RATE, user, now);
        taken.is_ok().then_some(permit)
    }

    /// An admitted redelivery does not happen after all, and does not count.
    pub fn give_back(&self, user: &str) {
        let mut state = self.state.lock();
        state.rates.give_back(RATE, &user.to_owned());
    }

    /// Keeps the permit of a redelivery that will happen.
    pub fn hold(&self, permit: Permit<String>, now: Instant) {
        let end = now.saturating_duration_since(self.begin) + LONGEST;
        let mut state = self.state.lock();
        state.under_way.push_back((end, permit));
    }
}

impl Default for Redeliveries {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            permits: Permits::new(AT_ONCE),
            state: Mutex::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `times` requests are admitted.
    fn admitted(all: &Redeliveries, user: &str, times: usize, now: Instant) -> usize {
        let permits = (0..times).filter_map(|_| all.admit(user, now));
        permits.map(|permit| all.hold(permit, now)).count()
    }

    #[test]
    fn ten_a_minute_of_one_user() {
        let all = Redeliveries::default();
        let at = |seconds| all.begin + Duration::from_secs(seconds);
        for (seconds, expected) in [(0, 10), (5, 0), (6, 1), (30, 4), (120, 10)] {
            assert_eq!(
                admitted(&all, "ann", 20, at(seconds)),
                expected,
                "{seconds}"
            );
        }
    }

    #[test]
    fn who_is_refused_has_no_place() {
        let all = Redeliveries::default();
        drop(all.admit("ann", all.begin));
        assert_eq!(admitted(&all, "ann", 20, all.begin), 9);
    }

    #[test]
    fn what_is_not_delivered_is_given_back() {
        let all = Redeliveries::default();
        for _ in 0..20 {
            drop(all.admit("ann", all.begin));
            all.give_back("ann");
        }
        assert_eq!(admitted(&all, "ann", 20, all.begin), 10);
        assert_eq!(admitted(&all, "ann", 20, all.begin), 0);
    }

    #[test]
    fn ten_users_who_ask_without_end_leave_a_place_for_others() {
        let all = Redeliveries::default();
        for second in 0..120 {
            let now = all.begin + Duration::from_secs(second);
            for user in 0..10 {
                admitted(&all, &user.to_string(), 10, now);
            }
            let other = format!("other {second}");
            assert!(all.admit(&other, now).is_some(), "after {second} s");
        }
    }

    #[test]
    fn users_share_half_of_the_places() {
        let all = Redeliveries::default();
        let crowd = |now| {
            let users = (0..90).map(|user| admitted(&all, &user.to_string(), 2, now));
            users.sum::<usize>()
        };
        assert_eq!(crowd(all.begin), AT_ONCE);
        assert_eq!(crowd(all.begin + LONGEST - Duration::from_millis(1)), 0);
        assert_eq!(crowd(all.begin + LONGEST), AT_ONCE);
    }
}
