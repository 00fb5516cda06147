//! The model with a stand-in for its provider.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

/// Answers in this order, and notes what it was asked and told to keep.
struct StandIn {
    answers: RefCell<Vec<(u16, &'static str)>>,
    log: RefCell<Vec<String>>,
}

impl Ports for StandIn {
    async fn send(&self, path: &str, body: Option<Vec<u8>>) -> Result<Response, Error> {
        let method = if body.is_some() { "POST" } else { "GET" };
        self.log.borrow_mut().push(format!("{method} {path}"));
        let (status, body) = self.answers.borrow_mut().remove(0);
        let body = body.as_bytes().to_vec();
        Ok(Response { status, body })
    }

    async fn keep(&self, receipt: &str) -> Result<(), Error> {
        self.log.borrow_mut().push(format!("keep {receipt}"));
        Ok(())
    }

    async fn cost(&self, cost: u64) -> Result<(), Error> {
        self.log.borrow_mut().push(format!("cost {cost}"));
        Ok(())
    }

    async fn pause(&self) {
        self.log.borrow_mut().push("pause".to_owned());
    }
}

/// The stand-in never waits, so neither does what uses it.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => ended,
        Poll::Pending => panic!("it waits"),
    }
}

fn refined(
    receipt: Option<&str>,
    answers: &[(u16, &'static str)],
) -> (Result<String, Error>, String) {
    let provider = StandIn {
        answers: RefCell::new(answers.to_vec()),
        log: RefCell::default(),
    };
    let job = Job {
        task_id: "task".to_owned(),
        image: b"original".to_vec(),
        prompt: "warmer".to_owned(),
        strength: 0.7,
        receipt: receipt.map(str::to_owned),
    };
    let refined = run(refine(&provider, &job));
    let log = provider.log.into_inner().join(", ");
    (refined.map(|image| String::from_utf8(image).unwrap()), log)
}

const ACCEPTED: (u16, &str) = (201, r#"{"id": "a1"}"#);
const WORKING: (u16, &str) = (202, "");
const DONE: (u16, &str) = (200, "image");
const FAILED: (u16, &str) = (422, r#"{"error": "not this one"}"#);

#[test]
fn work_is_requested_and_its_id_is_kept_before_it_is_waited_for() {
    let (image, log) = refined(None, &[ACCEPTED, WORKING, DONE]);
    assert_eq!(image, Ok("image".to_owned()));
    let expected = "POST /v1/edits, keep task a1, GET /v1/edits/a1, pause, GET /v1/edits/a1";
    assert_eq!(log, expected);
}

#[test]
fn with_a_receipt_nothing_is_paid_for_twice() {
    let (image, log) = refined(Some("task a1"), &[DONE]);
    assert_eq!(image, Ok("image".to_owned()));
    assert_eq!(log, "GET /v1/edits/a1");

    // What failed was accepted before.
    let (image, log) = refined(Some("task a1"), &[FAILED]);
    let sentence = "the provider answered 422: not this one";
    assert_eq!(image, Err(Error::Refused(sentence.to_owned())));
    assert_eq!(log, "GET /v1/edits/a1");
}

#[test]
fn an_operators_retry_is_new_work_if_the_old_one_failed() {
    let (image, log) = refined(Some("older a1"), &[FAILED, ACCEPTED, DONE]);
    assert_eq!(image, Ok("image".to_owned()));
    assert!(log.contains("keep , POST /v1/edits, keep task a1"), "{log}");
}

#[test]
fn the_service_learns_whether_a_repeat_helps_and_that_a_refusal_costs_nothing() {
    for (status, expected, expected_log) in [
        (429, "Unavailable", "POST /v1/edits"),
        (500, "Unknown", "POST /v1/edits"),
        (401, "Unauthorized", "POST /v1/edits"),
        (400, "Refused", "POST /v1/edits, cost 0"),
    ] {
        let (image, log) = refined(None, &[(status, "")]);
        assert!(
            format!("{image:?}").contains(expected),
            "{status}: {image:?}"
        );
        assert_eq!(log, expected_log, "{status}");
    }
}
