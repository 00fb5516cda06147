//! Whether the clock may be trusted when data is deleted by age.
//!
//! A clock that jumps ahead makes everything old at once. So each round of deletion
//! compares the clock with other knowledge: when the previous round was, and how long the
//! process has run since. After a disagreement nothing is deleted until the clock has
//! agreed for a day of running time, or until the operator confirms the clock.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// How much running time the clock has to agree with after a disagreement.
pub const PROBATION: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest gap between two processes after which the clock is trusted.
pub const LONGEST_GAP: Duration = Duration::from_secs(24 * 60 * 60);

/// How far clock and running time may differ between two rounds: a tenth of the retention
/// period, within these limits. Suspended machines and corrections of clock drift stay
/// below it, or cost a day of waiting.
const TOLERANCES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(60 * 60));

/// A store's record of the last round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRound {
    /// The time according to the clock.
    pub at: Timestamp,
    /// Running time for which the clock has agreed since it last disagreed. None: it is
    /// trusted.
    pub probation: Option<Duration>,
}

/// The knowledge at the start of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The time according to the clock.
    pub now: Timestamp,
    /// Running time since the last round. None: that was in another process.
    pub ran: Option<Duration>,
    /// The operator has confirmed the clock.
    pub is_confirmed: bool,
    /// The shortest retention period.
    pub retention: Duration,
}

/// The record of this round. Data may be deleted by its time unless it is on probation.
/// `last`: None for a store that has nothing to lose yet.
pub fn judge(last: Option<LastRound>, observation: Observation) -> LastRound {
    let Observation {
        now,
        ran,
        is_confirmed,
        retention,
    } = observation;
    let probation = match last {
        None => None,
        Some(_) if is_confirmed => None,
        Some(last) if !agrees(last.at, now, ran, retention) => Some(Duration::ZERO),
        Some(last) => last
            .probation
            .map(|agreed| agreed.saturating_add(ran.unwrap_or_default()))
            .filter(|agreed| *agreed < PROBATION),
    };
    LastRound { at: now, probation }
}

fn agrees(last: Timestamp, now: Timestamp, ran: Option<Duration>, retention: Duration) -> bool {
    let (least, most) = TOLERANCES;
    let tolerance = (retention / 10).clamp(least, most);
    let (earliest, latest) = match ran {
        Some(ran) => (ran.saturating_sub(tolerance), ran.saturating_add(tolerance)),
        None => (Duration::ZERO, LONGEST_GAP),
    };
    if now < last {
        return last.since(now) <= tolerance && earliest.is_zero();
    }
    (earliest..=latest).contains(&now.since(last))
}

/// Whether this time is on this day (`2026-11-20`, in UTC).
pub fn is_day(now: Timestamp, day: &str) -> bool {
    now.to_string().split_once('T').map(|(today, _)| today) == Some(day)
}

/// Validates a day as operators write it. The error completes the sentence "the value …".
pub fn parse_day(text: &str) -> Result<String, &'static str> {
    let problem = "must be a day in UTC, as 2026-11-20";
    let day: jiff::civil::Date = text.trim().parse().map_err(|_| problem)?;
    Ok(day.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp(1_795_176_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(60 * 60);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    const LAST: LastRound = LastRound {
        at: START,
        probation: None,
    };

    fn observation(passed: Duration, ran: Option<Duration>) -> Observation {
        Observation {
            now: START.plus(passed),
            ran,
            is_confirmed: false,
            retention: MONTH,
        }
    }

    fn before(time: Timestamp, by: Duration) -> Timestamp {
        Timestamp(time.0 - u64::try_from(by.as_micros()).unwrap())
    }

    #[test]
    fn a_round_is_believed_by_what_passed_since_the_last_one() {
        let second = Duration::from_secs(1);
        for (name, passed, ran, expected) in [
            ("at once", Duration::ZERO, Some(Duration::ZERO), true),
            ("an hour", HOUR, Some(HOUR), true),
            ("a correction", HOUR * 2, Some(HOUR), true),
            ("a jump", HOUR * 2 + second, Some(HOUR), false),
            ("a far jump", MONTH, Some(HOUR), false),
            ("a clock that stands", Duration::ZERO, Some(HOUR), true),
            (
                "and goes on standing",
                Duration::ZERO,
                Some(HOUR + second),
                false,
            ),
            ("a restart", HOUR, None, true),
            ("a restart after a day", DAY, None, true),
            ("a longer gap", DAY + second, None, false),
        ] {
            let round = judge(Some(LAST), observation(passed, ran));
            assert_eq!(round.at, START.plus(passed), "{name}");
            assert_eq!(round.probation.is_none(), expected, "{name}");
        }
    }

    #[test]
    fn what_is_kept_for_minutes_allows_a_minute() {
        for (by, expected) in [(MINUTE, true), (MINUTE * 2, false)] {
            let round = Observation {
                retention: MINUTE * 5,
                ..observation(MINUTE + by, Some(MINUTE))
            };
            assert_eq!(judge(Some(LAST), round).probation.is_none(), expected);
        }
    }

    #[test]
    fn a_clock_that_goes_back_is_not_believed_either() {
        for (by, ran, expected) in [
            (MINUTE, Some(MINUTE), true),
            (HOUR * 2, Some(HOUR), false),
            (HOUR, None, true),
            (HOUR * 2, None, false),
        ] {
            let round = Observation {
                now: before(START, by),
                ..observation(Duration::ZERO, ran)
            };
            assert_eq!(
                judge(Some(LAST), round).probation.is_none(),
                expected,
                "{by:?}"
            );
        }
    }

    #[test]
    fn a_store_that_never_had_a_round_has_nothing_to_lose() {
        let round = judge(None, observation(MONTH, None));
        assert_eq!(round.probation, None);
    }

    #[test]
    fn a_day_of_running_time_ends_the_probation_whatever_restarts() {
        let mut last = LastRound {
            at: START,
            probation: None,
        };
        let mut passed = MONTH * 12;
        last = judge(Some(last), observation(passed, Some(HOUR)));
        assert_eq!(last.probation, Some(Duration::ZERO), "it jumped");
        for hour in 1..24 {
            passed += HOUR;
            last = judge(Some(last), observation(passed, Some(HOUR)));
            assert_eq!(last.probation, Some(HOUR * hour), "it ran on");
            passed += MINUTE;
            last = judge(Some(last), observation(passed, None));
            assert_eq!(last.probation, Some(HOUR * hour), "it was restarted");
        }
        passed += HOUR;
        last = judge(Some(last), observation(passed, Some(HOUR)));
        assert_eq!(last.probation, None);
    }

    #[test]
    fn the_operator_ends_it_at_once() {
        let last = LastRound {
            at: START,
            probation: Some(HOUR),
        };
        let confirmed = Observation {
            is_confirmed: true,
            ..observation(MONTH, None)
        };
        assert_eq!(judge(Some(last), confirmed).probation, None);
    }

    #[test]
    fn a_day_is_one_of_utc() {
        let last_second = START.plus(HOUR * 12 - Duration::from_secs(1));
        assert!(is_day(START, "2026-11-20") && is_day(last_second, "2026-11-20"));
        assert!(!is_day(START.plus(HOUR * 12), "2026-11-20"));
        assert_eq!(parse_day(" 2026-11-20 "), Ok("2026-11-20".to_owned()));
        for text in [
            "",
            "today",
            "2026-13-01",
            "20.11.2026",
            "2026-11-20T12:00:00Z",
        ] {
            assert!(parse_day(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// However a clock jumps and whenever the process restarts: apart from the
        /// allowed deviations, nothing is deleted that is too young by running time.
        #[test]
        fn no_round_after_a_jump_is_believed_within_a_day(
            jump in 7_300..100_000_000_u64,
            rounds in proptest::collection::vec((1..3600_u64, any::<bool>()), 1..200),
        ) {
            let jump = Duration::from_secs(jump);
            let mut last = LastRound { at: START, probation: None };
            let mut now = START.plus(jump);
            last = judge(Some(last), Observation { now, ..observation(HOUR, Some(HOUR)) });
            prop_assert_eq!(last.probation, Some(Duration::ZERO));
            let mut running = Duration::ZERO;
            for (seconds, is_restart) in rounds {
                let passed = Duration::from_secs(seconds);
                now = now.plus(passed);
                let ran = (!is_restart).then_some(passed);
                running += ran.unwrap_or_default();
                last = judge(Some(last), Observation { now, ..observation(HOUR, ran) });
                prop_assert_eq!(last.probation.is_none(), running >= PROBATION);
                if running >= PROBATION {
                    break;
                }
            }
        }

        #[test]
        fn a_clock_that_agrees_is_always_believed(
            rounds in proptest::collection::vec((0..100_000_u64, 0..60_u64), 1..100),
        ) {
            let mut last = judge(None, observation(Duration::ZERO, None));
            let mut now = START;
            for (seconds, off) in rounds {
                let ran = Duration::from_secs(seconds);
                now = now.plus(ran + Duration::from_secs(off));
                last = judge(Some(last), Observation { now, ..observation(ran, Some(ran)) });
                prop_assert_eq!(last.probation, None);
            }
        }
    }
}
