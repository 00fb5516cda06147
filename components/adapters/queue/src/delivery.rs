//! Delivers one message to a processor.

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
        match attempt().await {
            Attempt::Taken => return Ok(()),
            Attempt::Again(_) if tries < MAX_TRIES => {
                let pause = retry::backoff(tries, clock.jitter(), None);
                clock.sleep(pause).await;
            }
            Attempt::Again(reason) => {
                return Err(format!(
                    "a task waits to be published again, after {tries} tries: {reason}"
                ));
            }
            Attempt::Refused(reason) => return Err(format!("a message was refused: {reason}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

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
        let refused = || Attempt::Refused("it is no task".to_owned());
        for (name, attempts, slept, expected) in [
            ("taken at once", vec![Attempt::Taken], vec![], Ok(())),
            (
                "taken at the third try",
                vec![again(), again(), Attempt::Taken],
                vec![1, 4],
                Ok(()),
            ),
            (
                "taken at last",
                vec![again(), again(), again(), Attempt::Taken],
                vec![1, 4, 16],
                Ok(()),
            ),
            (
                "down for ever",
                vec![again(); 4],
                vec![1, 4, 16],
                Err("a task waits to be published again, after 4 tries: it is down"),
            ),
            (
                "refused",
                vec![refused()],
                vec![],
                Err("a message was refused: it is no task"),
            ),
            (
                "refused in the end",
                vec![again(), refused()],
                vec![1],
                Err("a message was refused: it is no task"),
            ),
        ] {
            let script = Script::default();
            script.attempts.borrow_mut().extend(attempts);
            let attempt = async || script.attempts.borrow_mut().remove(0);
            let delivered = run(deliver(&script, attempt));
            assert_eq!(delivered, expected.map_err(str::to_owned), "{name}");
            assert_eq!(*script.slept.borrow(), slept, "{name}");
            assert!(script.attempts.borrow().is_empty(), "{name}");
        }
    }
}
