//! Delivers one message to a processor.

use std::time::Duration;

use concept_refinement_domain::retry;
use concept_refinement_guest::{Clock, Random};

/// Most attempts per message, over about 20 seconds. After that the task is overdue, and
/// its next reader publishes it again.
const MAX_TRIES: u32 = 4;

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The processor accepted the message.
    Taken,
    /// Trying again can help; with the reason, for the log.
    Again(String),
    /// Trying again cannot help; with the reason, for the log.
    Refused(String),
}

/// Tries until the message is accepted or refused, or all attempts are used up. The error
/// says why the message is dropped, for the log.
pub async fn deliver(
    clock: &(impl Clock + Random),
    attempt: impl AsyncFn() -> Attempt,
) -> Result<(), String> {
    let mut tries = 0;
    loop {
        tries += 1;
        match next(attempt().await, tries, clock.jitter()) {
            Next::Done => return Ok(()),
            Next::Wait(duration) => clock.sleep(duration).await,
            Next::LetGo(sentence) => return Err(sentence),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Done,
    Wait(Duration),
    LetGo(String),
}

/// What to do after an attempt, given the number of attempts so far.
fn next(attempt: Attempt, tries: u32, jitter: f64) -> Next {
    match attempt {
        Attempt::Taken => Next::Done,
        Attempt::Again(_) if tries < MAX_TRIES => Next::Wait(retry::backoff(tries, jitter, None)),
        Attempt::Again(reason) => Next::LetGo(format!(
            "a task waits to be published again, after {tries} tries: {reason}"
        )),
        Attempt::Refused(reason) => Next::LetGo(format!("a message was refused: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use concept_refinement_domain::timestamp::Timestamp;

    use super::*;

    /// Polls a future that is ready at once.
    fn run<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    fn again() -> Attempt {
        Attempt::Again("it is down".to_owned())
    }

    #[test]
    fn what_follows_from_an_attempt() {
        let wait = |seconds| Next::Wait(Duration::from_secs(seconds));
        let let_go = |sentence: &str| Next::LetGo(sentence.to_owned());
        let refused = Attempt::Refused("it is no task".to_owned());
        for (name, attempt, tries, expected) in [
            ("taken at once", Attempt::Taken, 1, Next::Done),
            ("taken at last", Attempt::Taken, 4, Next::Done),
            ("down once", again(), 1, wait(1)),
            ("down twice", again(), 2, wait(4)),
            ("down three times", again(), 3, wait(16)),
            (
                "down for ever",
                again(),
                4,
                let_go("a task waits to be published again, after 4 tries: it is down"),
            ),
            (
                "refused",
                refused,
                1,
                let_go("a message was refused: it is no task"),
            ),
        ] {
            assert_eq!(next(attempt, tries, 0.5), expected, "{name}");
        }
    }

    /// Returns scripted outcomes and records how long it slept.
    #[derive(Default)]
    struct Script {
        attempts: RefCell<Vec<Attempt>>,
        slept: RefCell<Vec<u64>>,
    }

    impl Clock for Script {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }

        async fn sleep(&self, duration: Duration) {
            self.slept.borrow_mut().push(duration.as_secs());
        }
    }

    impl Random for Script {
        fn random(&self) -> u64 {
            1 << 63
        }
    }

    #[test]
    fn a_message_is_tried_until_it_is_taken_and_not_for_ever() {
        for (name, attempts, slept, is_taken) in [
            ("at once", vec![Attempt::Taken], vec![], true),
            (
                "at the third try",
                vec![again(), again(), Attempt::Taken],
                vec![1, 4],
                true,
            ),
            ("never", vec![again(); 4], vec![1, 4, 16], false),
            (
                "refused in the end",
                vec![again(), Attempt::Refused(String::new())],
                vec![1],
                false,
            ),
        ] {
            let script = Script::default();
            script.attempts.borrow_mut().extend(attempts);
            let attempt = async || script.attempts.borrow_mut().remove(0);
            let delivered = run(deliver(&script, attempt));
            assert_eq!(delivered.is_ok(), is_taken, "{name}");
            assert_eq!(*script.slept.borrow(), slept, "{name}");
            assert!(script.attempts.borrow().is_empty(), "{name}");
        }
    }
}
