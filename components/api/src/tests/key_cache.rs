//! When keys are fetched, and what happens while the issuer does not answer.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use concept_refinement_domain::issuer_keys::LONGEST_WAIT;

use super::issuer::{Signer, asked, publish, service, status};
use super::service::{Call, Service};

fn old() -> Signer {
    Signer::p256(1)
}

fn new() -> Signer {
    Signer::p256(2)
}

fn get(token: &str) -> Call {
    Call::get("/api/tasks").header("authorization", format!("Bearer {token}"))
}

fn wait(service: &Service, seconds: u64) {
    service.memory.advance(Duration::from_secs(seconds));
}

/// The issuer is back.
fn recover(service: &Service) {
    service.memory.0.borrow_mut().faults.remove("key set");
}

#[test]
fn keys_are_fetched_once() {
    let service = service(&[old().jwk("old")]);
    for user in ["ann", "bob", "ann"] {
        assert_eq!(status(&service, &old().token("old", user)), 200);
    }
    assert_eq!(asked(&service), 1);
    service.send(Call::get("/api/health"));
    service
        .send(Call::get("/api/tasks"))
        .is_error(401, "UNAUTHORIZED");
    assert_eq!(asked(&service), 1);
}

#[test]
fn nobody_is_asked_before_there_is_a_token() {
    let service = service(&[]);
    service.send(Call::get("/api/health"));
    service
        .send(Call::get("/api/tasks"))
        .is_error(401, "UNAUTHORIZED");
    assert_eq!(asked(&service), 0);
}

#[test]
fn an_unknown_key_is_asked_for_at_most_once_a_minute() {
    let service = service(&[old().jwk("old")]);
    assert_eq!(status(&service, &old().token("old", "ann")), 200);
    publish(&service, &[old().jwk("old"), new().jwk("new")]);
    let token = new().token("new", "ann");
    wait(&service, 59);
    assert_eq!(status(&service, &token), 401, "too soon");
    assert_eq!(asked(&service), 1);
    wait(&service, 1);
    assert_eq!(status(&service, &token), 200);
    assert_eq!(asked(&service), 2);
    wait(&service, 59);
    for number in 0..20 {
        let forged = new().token(&format!("made up {number}"), "ann");
        assert_eq!(status(&service, &forged), 401);
    }
    assert_eq!(asked(&service), 2);
    wait(&service, 1);
    for number in 0..20 {
        let forged = new().token(&format!("made up {number}"), "ann");
        assert_eq!(status(&service, &forged), 401);
    }
    assert_eq!(asked(&service), 3);
}

#[test]
fn a_wrong_signature_by_a_known_key_asks_nobody() {
    let service = service(&[old().jwk("old")]);
    wait(&service, 60);
    for _ in 0..3 {
        assert_eq!(status(&service, &new().token("old", "ann")), 401);
        wait(&service, 60);
    }
    assert_eq!(asked(&service), 1);
}

#[test]
fn old_keys_are_fetched_anew_while_they_are_used() {
    let service = service(&[old().jwk("old")]);
    let (old, new) = (old().token("old", "ann"), new().token("new", "ann"));
    assert_eq!(status(&service, &old), 200);
    publish(&service, &[self::new().jwk("new")]);
    wait(&service, 599);
    assert_eq!(status(&service, &old), 200);
    service.do_background_work();
    assert_eq!(asked(&service), 1);
    wait(&service, 1);
    assert_eq!(status(&service, &old), 200, "the answer does not wait");
    assert_eq!(asked(&service), 1);
    service.do_background_work();
    assert_eq!(asked(&service), 2);
    assert_eq!(
        status(&service, &old),
        401,
        "known, but by a key that is gone"
    );
    assert_eq!(status(&service, &new), 200);
    assert_eq!(asked(&service), 2);
}

#[test]
fn an_issuer_that_is_down_takes_nobodys_session() {
    let service = service(&[old().jwk("old")]);
    assert_eq!(status(&service, &old().token("old", "ann")), 200);
    service.memory.fail("key set");
    for minute in 0..30 {
        wait(&service, 60);
        let user = format!("ann {minute}");
        assert_eq!(status(&service, &old().token("old", &user)), 200);
        assert_eq!(status(&service, &new().token("new", &user)), 401);
        service.do_background_work();
    }
    assert!((30..=31).contains(&asked(&service)), "{}", asked(&service));
    recover(&service);
    publish(&service, &[new().jwk("new")]);
    wait(&service, 60);
    assert_eq!(status(&service, &new().token("new", "ann")), 200);
    assert_eq!(status(&service, &old().token("old", "ann")), 401);
}

#[test]
fn without_any_keys_nothing_can_be_said_of_a_token() {
    let service = service(&[old().jwk("old")]);
    service.memory.fail("key set");
    let token = old().token("old", "ann");
    let reply = service.send(get(&token));
    reply.is_error(503, "SERVICE_UNAVAILABLE");
    assert_eq!(reply.header("retry-after"), Some("10"));
    for _ in 0..9 {
        wait(&service, 1);
        assert_eq!(status(&service, &token), 503);
    }
    let reply = service.send(get(&token));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(asked(&service), 1);
    wait(&service, 1);
    assert_eq!(status(&service, &token), 503);
    assert_eq!(asked(&service), 2);
    recover(&service);
    assert_eq!(status(&service, &token), 503);
    wait(&service, 10);
    assert_eq!(status(&service, &token), 200);
    assert_eq!(asked(&service), 3);
}

#[test]
fn what_is_no_set_of_keys_is_as_no_answer() {
    for document in [
        "",
        "<html>",
        "[]",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"jwks":[]}"#,
        r#"{"keys":[]"#,
    ] {
        let service = service(&[old().jwk("old")]);
        let token = old().token("old", "ann");
        service.memory.0.borrow_mut().key_set = document.into();
        assert_eq!(status(&service, &token), 503, "{document}");
        publish(&service, &[old().jwk("old")]);
        wait(&service, 10);
        assert_eq!(status(&service, &token), 200, "{document}");
        service.memory.0.borrow_mut().key_set = document.into();
        wait(&service, 60);
        assert_eq!(
            status(&service, &new().token("new", "ann")),
            401,
            "{document}"
        );
        assert_eq!(status(&service, &token), 200, "{document}");
    }
}

#[test]
fn an_issuer_without_keys_is_believed() {
    let service = service(&[old().jwk("old")]);
    let token = old().token("old", "ann");
    assert_eq!(status(&service, &token), 200);
    publish(&service, &[]);
    wait(&service, 600);
    assert_eq!(status(&service, &token), 200);
    service.do_background_work();
    assert_eq!(status(&service, &token), 401);
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_keys_for_ever() {
    let service = service(&[old().jwk("old")]);
    assert_eq!(status(&service, &old().token("old", "ann")), 200);
    publish(&service, &[new().jwk("new")]);
    let mut state = service.memory.0.borrow_mut();
    state.now.0 -= 24 * 3600 * 1_000_000;
    drop(state);
    assert_eq!(status(&service, &new().token("new", "ann")), 200);
}

#[test]
fn one_request_fetches_and_the_others_wait() {
    let service = service(&[old().jwk("old")]);
    service.memory.0.borrow_mut().is_issuer_slow = true;
    let token = old().token("old", "ann");
    let mut context = Context::from_waker(Waker::noop());
    let mut calls: Vec<_> = (0..5)
        .map(|_| {
            let (request, body) = get(&token).into_request();
            Box::pin(service.api.handle(request, body))
        })
        .collect();
    for _ in 0..3 {
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        wait(&service, 1);
    }
    assert_eq!(asked(&service), 1);
    service.memory.0.borrow_mut().is_issuer_slow = false;
    for call in &mut calls {
        match call.as_mut().poll(&mut context) {
            Poll::Ready(response) => assert_eq!(response.status, 200),
            Poll::Pending => panic!("it waits on"),
        }
    }
    assert_eq!(asked(&service), 1);
}

#[test]
fn nobody_waits_for_long_and_keys_that_come_late_are_kept() {
    let service = service(&[old().jwk("old")]);
    service.memory.0.borrow_mut().is_issuer_slow = true;
    let token = old().token("old", "ann");
    let mut context = Context::from_waker(Waker::noop());
    let mut refused = |tokens: &[&str], expected: u16| {
        let mut calls: Vec<_> = tokens
            .iter()
            .map(|token| {
                let (request, body) = get(token).into_request();
                Box::pin(service.api.handle(request, body))
            })
            .collect();
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        service.memory.advance(LONGEST_WAIT);
        for call in &mut calls {
            match call.as_mut().poll(&mut context) {
                Poll::Ready(response) => assert_eq!(response.status, expected),
                Poll::Pending => panic!("it waits on"),
            }
        }
        service.poll_background_work();
    };
    refused(&[&token, &token], 503);
    service.memory.0.borrow_mut().is_issuer_slow = false;
    service.do_background_work();
    assert_eq!(status(&service, &token), 200);
    assert_eq!(asked(&service), 1);

    publish(&service, &[old().jwk("old"), new().jwk("new")]);
    service.memory.0.borrow_mut().is_issuer_slow = true;
    wait(&service, 60);
    let unknown = new().token("new", "ann");
    refused(&[&unknown], 401);
    assert_eq!(status(&service, &token), 200, "the keys that are there");
    service.memory.0.borrow_mut().is_issuer_slow = false;
    service.do_background_work();
    assert_eq!(status(&service, &unknown), 200);
    assert_eq!(asked(&service), 2);
}

#[test]
fn a_fetch_that_is_dropped_does_not_hold_up_the_next() {
    let service = service(&[old().jwk("old")]);
    let token = old().token("old", "ann");
    service.memory.0.borrow_mut().is_issuer_slow = true;
    let mut context = Context::from_waker(Waker::noop());
    {
        let (request, body) = get(&token).into_request();
        let call = pin!(service.api.handle(request, body));
        assert!(call.poll(&mut context).is_pending());
    }
    service.memory.0.borrow_mut().is_issuer_slow = false;
    wait(&service, 10);
    assert_eq!(status(&service, &token), 200);
}

#[test]
fn a_known_token_ends_when_it_does() {
    let service = service(&[old().jwk("old")]);
    let token = old().token("old", "ann");
    assert_eq!(status(&service, &token), 200);
    wait(&service, 3600 - 1);
    assert_eq!(status(&service, &token), 200);
    wait(&service, 1);
    let body = service.send(get(&token)).is_error(401, "UNAUTHORIZED");
    assert_eq!(body["detail"], "The credentials have expired.");
}
