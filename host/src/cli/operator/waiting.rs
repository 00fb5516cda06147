//! Waits for the end of a service's work, or for a signal.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;

use super::super::failure::Failure;
use super::super::progress::bar;
use super::super::signals::Signals;
use super::super::terminal::say;
use super::client::Problem;

/// The shortest and the longest polling interval.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many polls in a row may fail: a service may be restarted meanwhile.
const FAILURES: u32 = 10;

/// A progress line on a terminal; removed when it is dropped.
pub struct Waiting(ProgressBar);

impl Waiting {
    /// `total`: how many steps there are; none: that is not known.
    pub fn new(total: Option<u64>) -> Self {
        Self(bar(
            total,
            match total {
                Some(_) => "{spinner} [{bar:20}] {pos}/{len} {wide_msg}",
                None => "{spinner} {elapsed} {wide_msg}",
            },
        ))
    }

    pub fn tell(&self, done: u64, message: String) {
        self.0.set_position(done);
        self.0.set_message(message);
    }

    /// Says a sentence above the progress line.
    pub fn say(&self, sentence: &str) {
        self.0.suspend(|| say(sentence));
    }

    /// Waits for the end of this future. `stopped`: the message if a signal comes
    /// first.
    pub async fn until<T>(
        &self,
        stopped: &str,
        end: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Failure> {
        let mut signals = Signals::listen()?;
        tokio::select! {
            ended = end => Ok(ended?),
            signal = signals.next() => {
                self.say(stopped);
                Err(Failure::Stopped(signal.as_raw_value()))
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Polls until there is a result, even after temporary faults.
pub async fn patiently<T>(
    mut look: impl AsyncFnMut() -> Result<Option<T>, Problem>,
) -> Result<T, Problem> {
    let (mut pause, mut failures) = (FIRST_PAUSE, 0);
    loop {
        match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => failures = 0,
            Err(problem) if problem.may_pass() && failures < FAILURES => {
                failures += 1;
                pause = LONGEST_PAUSE;
            }
            Err(problem) => return Err(problem),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_passes_is_waited_for() {
        let refused = |status| Problem::refused("PLACE", None, status, b"");
        for (name, status, faults, expected) in [
            ("none", StatusCode::SERVICE_UNAVAILABLE, 0, true),
            ("some", StatusCode::SERVICE_UNAVAILABLE, FAILURES, true),
            (
                "too many",
                StatusCode::SERVICE_UNAVAILABLE,
                FAILURES + 1,
                false,
            ),
            ("one that stays", StatusCode::FORBIDDEN, 1, false),
        ] {
            let mut asked = 0;
            let found = patiently(async || {
                asked += 1;
                match asked <= faults {
                    true => Err(refused(status)),
                    false => Ok((asked > faults + 3).then_some(())),
                }
            });
            assert_eq!(found.await.is_ok(), expected, "{name}");
        }
    }
}
