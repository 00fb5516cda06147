//! Bounds what users ask to be delivered again, so that the webhooks of all others find
//! permits with who delivers.
//!
//! Each host does so for itself, as it has permits of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::permits::{Permit, Permits};
use crate::rate::{Buckets, Rate};

/// Of all users at a time: half of the attempts that a host makes at once.
const AT_ONCE: usize = 32;

/// How long an attempt may take. Whether it took less is known to who made it, which may
/// be another host.
const LONGEST: Duration = Duration::from_secs(15);

/// Of one user: ten a minute.
const RATE: Rate = Rate {
    at_once: 10,
    interval: Duration::from_secs(6),
};

/// How often users may ask for a delivery again.
pub struct Redeliveries {
    begin: Instant,
    /// By user.
    permits: Arc<Permits<String>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rates: Buckets<String>,
    /// With the time from which on the permit is free again, the oldest first.
    under_way: VecDeque<(Duration, Permit<String>)>,
}

impl Redeliveries {
    /// None: there are too many, and this user has its share of them. The last quarter of
    /// the permits is for users who have none, so that it takes more than ten to hold all.
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

    /// One that was admitted is not to be delivered, and does not count.
    pub fn give_back(&self, user: &str) {
        let mut state = self.state.lock();
        state.rates.give_back(RATE, &user.to_owned());
    }

    /// Keeps the permit of one that is to be delivered.
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

    /// How many of so many are admitted.
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
