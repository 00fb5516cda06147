//! Judges the model by its last calls, never by a call made for this purpose, which could
//! cost money.
//!
//! A failure of the provider counts whoever met it. One user's crashes alone cannot make the
//! model look unusable: some pictures crash any model.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

/// Failures in a row that make the model unusable.
const FAILURES: usize = 5;

/// How many of them may be crashes of the same user.
const OF_A_USER: usize = FAILURES - 1;

/// After this time without a call, earlier failures no longer count.
const MEMORY: Duration = Duration::from_secs(30);

/// The outcomes of the model's last calls.
#[derive(Clone, Debug, Default)]
pub struct ModelHealth {
    /// The failures in a row that count, at most [`FAILURES`]. A crash has its requester.
    failures: Vec<Option<Requester>>,
    is_key_refused: bool,
    last_call: Timestamp,
}

/// The user and the picture of a model call, as hashes: neither can be recovered from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    user: u64,
    picture: u64,
}

/// A call's verdict on the model's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It works. That includes refusing an image.
    Works,
    /// It works, but limits our rate: says nothing about its health.
    RateLimit,
    /// Its provider cannot be reached, is overloaded, or fails: no picture is to blame.
    Fails,
    /// Its provider refuses our key, for every user.
    KeyRefused,
    /// It crashed or did not answer, which may be because of this picture.
    Crashes,
}

impl Requester {
    /// The user and the picture of this task.
    pub fn of(task: &Task) -> Self {
        let path = task.original_path.as_deref();
        Self {
            user: hash(&task.user_id),
            picture: hash(path.unwrap_or_else(|| task.original_address())),
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl ModelHealth {
    /// A call has ended.
    pub fn called(&mut self, verdict: Verdict, requester: Requester, now: Timestamp) {
        let is_over = self.is_unusable() && self.is_forgotten(now);
        if verdict == Verdict::Works || is_over && verdict != Verdict::RateLimit {
            self.failures.clear();
            self.is_key_refused = false;
        }
        match verdict {
            Verdict::Works => {}
            Verdict::RateLimit => return,
            Verdict::KeyRefused => self.is_key_refused = true,
            Verdict::Fails => self.failed(None),
            Verdict::Crashes => self.failed(Some(requester)),
        }
        self.last_call = now;
    }

    /// A user's crashes count once for each picture, and at most [`OF_A_USER`] times.
    fn failed(&mut self, crash: Option<Requester>) {
        let counts = crash.is_none_or(|Requester { user, .. }| {
            let crashes = self.failures.iter().flatten();
            let of_user = crashes.filter(|other| other.user == user);
            !self.failures.contains(&crash) && of_user.count() < OF_A_USER
        });
        if counts && !self.is_failing() {
            self.failures.push(crash);
        }
    }

    /// Why the model cannot be used, as a sentence for users.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        if self.is_forgotten(now) {
            None
        } else if self.is_key_refused {
            Some("The model's provider refuses the key of this service, or its account.".to_owned())
        } else {
            self.is_failing()
                .then(|| format!("The model failed {FAILURES} times in a row."))
        }
    }

    fn is_unusable(&self) -> bool {
        self.is_key_refused || self.is_failing()
    }

    fn is_failing(&self) -> bool {
        self.failures.len() >= FAILURES
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        now.since(self.last_call) >= MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Crashes, Fails, KeyRefused, RateLimit, Works};

    /// Seconds, user, picture and verdict of a call.
    type Call = (u64, u64, u64, Verdict);

    /// Failures of the provider, all with the same picture of the same user.
    fn failing(seconds: &[u64]) -> Vec<Call> {
        let call = |second: &u64| (*second, 0, 0, Fails);
        seconds.iter().map(call).collect()
    }

    #[test]
    fn the_last_calls_decide() {
        let each = |call: fn(u64) -> Call| (1..=20).map(call).collect::<Vec<_>>();
        let first = |call: fn(u64) -> Call| (1..=5).map(call).collect::<Vec<_>>();
        let key = (1, 1, 1, KeyRefused);
        let (four, five) = (failing(&[1, 2, 3, 4]), failing(&[1, 2, 3, 4, 5]));
        let between = |call, later: &[u64]| [&[call], &failing(later)[..]].concat();
        let failure = (40, 1, 1, Fails);
        let one_more = failing(&[1, 2, 3, 4, 5, 40]);
        let five_more = failing(&[1, 2, 3, 4, 5, 40, 41, 42, 43, 44]);
        let went_back = failing(&[101, 102, 103, 104, 105]);
        let success_between = [four.clone(), between((5, 0, 0, Works), &[6])].concat();
        let success_after = [five.clone(), vec![(6, 0, 0, Works)]].concat();
        let limit = between((3, 0, 0, RateLimit), &[4, 5, 7]);
        let limited_between = [failing(&[1, 2]), limit].concat();
        let pictures = |second: u64| (second, 0, second, Crashes);
        let crashes = |second: u64| (second, second % 2, 0, Crashes);
        let crashes_both = |second: u64| (second, second % 2, second, Crashes);
        let fails_both = |second: u64| (second, second % 2, 0, Fails);
        let crashes_all = |second: u64| (second, second, 0, Crashes);
        let limited = |second: u64| (second, second, 0, RateLimit);
        let failure_after = [each(pictures), failing(&[21])].concat();
        let crash_after = [failing(&[1, 2, 3, 4]), vec![(5, 0, 0, Crashes)]].concat();
        let crash_again = [
            vec![(0, 0, 0, Crashes)],
            failing(&[1, 2, 3]),
            vec![(4, 0, 0, Crashes)],
        ];
        let cases = [
            ("never called", vec![], 100, true),
            ("four failures", four, 4, true),
            ("five failures", five.clone(), 5, false),
            ("seldom", failing(&[1, 62, 121, 182, 241]), 242, false),
            ("just before it is forgotten", five.clone(), 34, false),
            ("forgotten", five, 35, true),
            ("a refused key", vec![key], 30, false),
            ("a refused key, forgotten", vec![key], 31, true),
            ("and then an answer", vec![key, (2, 1, 1, Works)], 2, true),
            ("and a later failure", vec![key, failure], 40, true),
            ("one failure after it was forgotten", one_more, 40, true),
            ("five failures after it was forgotten", five_more, 44, false),
            ("a success between", success_between, 6, true),
            ("a success after five failures", success_after, 6, true),
            ("the clock went back", went_back, 5, false),
            ("one user with many pictures", each(pictures), 20, true),
            ("and then the provider", failure_after, 21, false),
            ("a crash after four failures", crash_after, 5, false),
            ("the same crash again", crash_again.concat(), 4, true),
            ("two users with a picture each", each(crashes), 20, true),
            ("two users' pictures", first(crashes_both), 5, false),
            ("two whom the provider fails", first(fails_both), 5, false),
            ("five users with one picture", first(crashes_all), 5, false),
            ("rate limits", each(limited), 20, true),
            ("rate limits between", limited_between, 7, false),
        ];
        for (name, calls, now, usable) in cases {
            let mut health = ModelHealth::default();
            for (at, user, picture, verdict) in calls {
                let requester = Requester { user, picture };
                health.called(verdict, requester, Timestamp::from_secs(at));
            }
            let problem = health.problem(Timestamp::from_secs(now));
            assert_eq!(problem.is_none(), usable, "{name}: {problem:?}");
        }
    }
}
