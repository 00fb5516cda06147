//! What a user's work cost: spent, reserved, and in calls of an unknown price.
//!
//! A step of a task changes these sums by what it adds and takes away; no step reads them
//! but the one that submits a task, which a budget may refuse.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::document::is_zero;
use crate::money::MicroDollars;
use crate::quota::Window;
use crate::timestamp::Timestamp;

/// Bound of each part: the largest number that each reader of JSON keeps.
const MAX: i64 = (1 << 53) - 1;

/// How long the sums of a past window are kept where only windows count, in case the clock
/// is set back.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what was spent is known.
pub const LEDGER_RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Sums, or what changes about them. Amounts are in micro-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// What accepted calls cost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spent: i64,
    /// What pending and processing tasks may cost, and calls of which nobody knows whether
    /// they were accepted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reserved: i64,
    /// Calls that were accepted, or perhaps, and whose price is unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown_calls: i64,
}

/// A change of what a user spends with one link of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The link.
    pub model: String,
    /// What is added.
    pub change: Spending,
}

/// What is set aside for a task until it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The link of the model whose price it is: the dearest known one.
    pub model: String,
    /// The price of one of its calls.
    pub price: MicroDollars,
}

/// The sums of one user by hour and, once they are older than a day, by day: as many as
/// budgets need, for a store that keeps them together with everything else of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentSpending(Vec<Period>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Period {
    starts_at: Timestamp,
    sum: Spending,
}

impl Spending {
    /// A call of this price that was perhaps accepted. None: the price is unknown.
    pub fn of_call(price: Option<MicroDollars>) -> Self {
        match price {
            Some(price) => Self::reserved(price),
            None => Self {
                unknown_calls: 1,
                ..Self::default()
            },
        }
    }

    /// An amount that is reserved.
    pub fn reserved(amount: MicroDollars) -> Self {
        Self {
            reserved: signed(amount),
            ..Self::default()
        }
    }

    /// An amount that is spent.
    pub fn spent(amount: MicroDollars) -> Self {
        Self {
            spent: signed(amount),
            ..Self::default()
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: i64, other: i64| one.saturating_add(other).clamp(-MAX, MAX);
        Self {
            spent: sum(self.spent, other.spent),
            reserved: sum(self.reserved, other.reserved),
            unknown_calls: sum(self.unknown_calls, other.unknown_calls),
        }
    }

    /// What is left without the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self {
            spent: -other.spent,
            reserved: -other.reserved,
            unknown_calls: -other.unknown_calls,
        })
    }

    /// What counts towards a budget.
    pub fn committed(self) -> MicroDollars {
        amount(self.spent.saturating_add(self.reserved))
    }

    /// Whether nothing is spent, reserved or unknown.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// As an amount for people: what is below nothing, for a moment, is nothing.
pub fn amount(micros: i64) -> MicroDollars {
    MicroDollars(u64::try_from(micros).unwrap_or(0))
}

fn signed(amount: MicroDollars) -> i64 {
    i64::try_from(amount.0).unwrap_or(MAX).min(MAX)
}

impl Booking {
    /// The price of a task's reservation, when the task is created.
    pub fn of(reservation: &Reservation) -> Self {
        Self {
            model: reservation.model.clone(),
            change: Spending::reserved(reservation.price),
        }
    }

    /// Adds up the changes of each link, in the order of their names, and leaves out those
    /// that change nothing.
    pub fn sums(bookings: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums = std::collections::BTreeMap::<String, Spending>::new();
        for Self { model, change } in bookings {
            let sum = sums.entry(model).or_default();
            *sum = sum.plus(change);
        }
        let sums = sums.into_iter().filter(|(_, change)| !change.is_none());
        sums.map(|(model, change)| Self { model, change }).collect()
    }
}

impl RecentSpending {
    /// The sums of the window that contains `now`.
    pub fn within(&self, window: Window, now: Timestamp) -> Spending {
        let (start, end) = (window.start(now), window.end(now));
        let periods = self.0.iter();
        periods
            .filter(|period| (start..end).contains(&period.starts_at))
            .fold(Spending::default(), |sum, period| sum.plus(period.sum))
    }

    /// Whether nothing was ever booked, or all of it is outdated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds changes of a task that was submitted at this time.
    pub fn book(&mut self, submitted_at: Timestamp, bookings: &[Booking], now: Timestamp) {
        if bookings.is_empty() {
            return;
        }
        self.forget(now);
        let change = bookings
            .iter()
            .fold(Spending::default(), |sum, booking| sum.plus(booking.change));
        self.add(period_of(submitted_at, now), change);
    }

    fn add(&mut self, starts_at: Timestamp, change: Spending) {
        let mut periods = self.0.iter_mut();
        match periods.find(|period| period.starts_at == starts_at) {
            Some(period) => period.sum = period.sum.plus(change),
            None => self.0.push(Period {
                starts_at,
                sum: change,
            }),
        }
    }

    /// Drops what belongs to no window any more, and merges hours into days.
    fn forget(&mut self, now: Timestamp) {
        for Period { starts_at, sum } in std::mem::take(&mut self.0) {
            if Window::Month.end(starts_at).plus(RETENTION) > now {
                self.add(period_of(starts_at, now), sum);
            }
        }
    }
}

/// The start of the period that a time is counted in.
fn period_of(at: Timestamp, now: Timestamp) -> Timestamp {
    match Window::Day.end(at).plus(RETENTION) <= now {
        true => Window::Day.start(at),
        false => Window::Hour.start(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;

    fn price(micros: u64) -> Vec<Booking> {
        vec![Booking {
            model: "openai".into(),
            change: Spending::reserved(MicroDollars(micros)),
        }]
    }

    #[test]
    fn changes_of_one_link_add_up() {
        let booking = |model: &str, change| Booking {
            model: model.into(),
            change,
        };
        let (one, two) = (MicroDollars(1), MicroDollars(2));
        let bookings = [
            booking("b", Spending::reserved(two)),
            booking("a", Spending::spent(one)),
            booking("b", Spending::default().minus(Spending::reserved(two))),
            booking("a", Spending::of_call(None)),
        ];
        let change = Spending {
            spent: 1,
            reserved: 0,
            unknown_calls: 1,
        };
        assert_eq!(Booking::sums(bookings), [booking("a", change)]);
        assert_eq!(change.committed(), one);
        let below = Spending::default().minus(Spending::spent(one));
        assert_eq!(below.committed(), MicroDollars(0));
        let absurd = Spending::spent(MicroDollars(u64::MAX));
        assert_eq!(absurd.plus(absurd).spent, MAX);
    }

    #[test]
    fn a_window_has_what_was_submitted_in_it() {
        // 2026-11-20T12:00:00Z
        let noon = Timestamp::from_secs(1_795_176_000);
        let at = |seconds: i64| Timestamp::from_secs(noon.as_secs().saturating_add_signed(seconds));
        let mut recent = RecentSpending::default();
        let (hour, day) = (HOUR.cast_signed(), DAY.cast_signed());
        for (submitted, micros) in [(0, 1), (-1, 10), (-13 * hour, 100), (-25 * day, 1_000)] {
            recent.book(at(submitted), &price(micros), at(0));
        }
        let sums = |now| Window::ALL.map(|window| recent.within(window, now).reserved);
        for (name, now, expected) in [
            ("now", at(0), [1, 11, 111]),
            (
                "an hour before, by a clock that went back",
                at(-hour),
                [10, 11, 111],
            ),
            ("yesterday", at(-13 * hour), [100, 100, 111]),
            ("last month", at(-25 * day), [0, 1_000, 1_000]),
            ("next month", at(11 * day), [0, 0, 0]),
        ] {
            assert_eq!(sums(now), expected, "{name}");
        }
    }

    #[test]
    fn what_is_settled_late_replaces_its_reservation() {
        let submitted = Timestamp::from_secs(1_795_176_000);
        let mut recent = RecentSpending::default();
        recent.book(submitted, &price(60), submitted);
        let settled = [Booking {
            model: "openai".into(),
            change: Spending::spent(MicroDollars(40)).minus(Spending::reserved(MicroDollars(60))),
        }];
        let later = submitted.plus(Duration::from_secs(5 * DAY));
        recent.book(submitted, &settled, later);
        let expected = Spending::spent(MicroDollars(40));
        assert_eq!(recent.within(Window::Month, later), expected);
        assert_eq!(recent.within(Window::Day, submitted), expected);
    }

    #[test]
    fn as_much_is_kept_as_a_month_needs() {
        let mut recent = RecentSpending::default();
        let begin = 1_795_176_000;
        for hour in 0..24 * 200 {
            let now = Timestamp::from_secs(begin + hour * HOUR);
            recent.book(now, &price(1), now);
            assert!(recent.0.len() <= 31 + 3 * 24, "{}", recent.0.len());
        }
        let json = serde_json::to_string(&recent).unwrap();
        assert_eq!(
            serde_json::from_str::<RecentSpending>(&json).unwrap(),
            recent
        );
    }
}
