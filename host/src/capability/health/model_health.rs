//! Judges the model by its last calls, never by a call made for this purpose,
//! which could cost money.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;

/// Failures in a row that make the model unusable.
const FAILURES: u32 = 5;

/// After this time without a call, earlier failures no longer count.
const MEMORY: Duration = Duration::from_secs(30);

/// The outcomes of the model's last calls. The caller decides what a failure
/// is: a model that refuses an image works.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelHealth {
    failures_in_a_row: u32,
    last_call: Timestamp,
}

impl ModelHealth {
    /// A call was answered.
    pub fn succeeded(&mut self, now: Timestamp) {
        self.failures_in_a_row = 0;
        self.last_call = now;
    }

    /// A call failed in a way that says something of the model.
    pub fn failed(&mut self, now: Timestamp) {
        let unusable_till_now = self.failures_in_a_row >= FAILURES;
        if unusable_till_now && self.is_forgotten(now) {
            self.failures_in_a_row = 0;
        }
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.last_call = now;
    }

    /// Why the model cannot be used, in a sentence that anyone may read.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        let unusable = self.failures_in_a_row >= FAILURES && !self.is_forgotten(now);
        unusable.then(|| {
            let failures = self.failures_in_a_row;
            format!("The model failed {failures} times in a row.")
        })
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        now.since(self.last_call) >= MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls as (seconds, succeeded), the time of the check, the expected
    /// result.
    #[test]
    fn the_last_calls_decide() {
        let failing = |seconds: &[u64]| seconds.iter().map(|s| (*s, false)).collect::<Vec<_>>();
        let cases = [
            ("never called", vec![], 100, true),
            ("four failures", failing(&[1, 2, 3, 4]), 4, true),
            ("five failures", failing(&[1, 2, 3, 4, 5]), 5, false),
            (
                "five failures, seldom",
                failing(&[1, 61, 121, 181, 241]),
                242,
                false,
            ),
            (
                "just before it is forgotten",
                failing(&[1, 2, 3, 4, 5]),
                34,
                false,
            ),
            ("forgotten", failing(&[1, 2, 3, 4, 5]), 35, true),
            (
                "one failure after it was forgotten",
                failing(&[1, 2, 3, 4, 5, 40]),
                40,
                true,
            ),
            (
                "five failures after it was forgotten",
                failing(&[1, 2, 3, 4, 5, 40, 41, 42, 43, 44]),
                44,
                false,
            ),
            (
                "a success between",
                vec![
                    (1, false),
                    (2, false),
                    (3, false),
                    (4, false),
                    (5, true),
                    (6, false),
                ],
                6,
                true,
            ),
            (
                "a success after five failures",
                vec![
                    (1, false),
                    (2, false),
                    (3, false),
                    (4, false),
                    (5, false),
                    (6, true),
                ],
                6,
                true,
            ),
            (
                "the clock went back",
                failing(&[101, 102, 103, 104, 105]),
                5,
                false,
            ),
        ];
        for (name, calls, now, usable) in cases {
            let mut health = ModelHealth::default();
            for (at, succeeded) in calls {
                let at = Timestamp::from_secs(at);
                if succeeded {
                    health.succeeded(at);
                } else {
                    health.failed(at);
                }
            }
            let problem = health.problem(Timestamp::from_secs(now));
            assert_eq!(problem.is_none(), usable, "{name}: {problem:?}");
        }
    }
}
